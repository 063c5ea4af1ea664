"""Optional packages are imported late, and a missing one is one sentence with pip's line."""

import pytest

from dalejax.runtime.extras import import_extra


def test_a_missing_module_is_one_sentence_with_the_pip_line():
    with pytest.raises(ModuleNotFoundError) as error:
        import_extra("no_such_package.part", extra="analysis")
    assert str(error.value) == (
        "no_such_package.part cannot be imported (No module named 'no_such_package'); "
        "it comes with the extra 'analysis': pip install \"dalejax[analysis]\""
    )


def test_the_traceback_shows_what_went_wrong_inside_of_the_package(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("from json import no_such_name")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match=r"no_such_name.*extra 'cli'") as error:
        import_extra("half_installed", extra="cli")
    assert isinstance(error.value.__cause__, ImportError)
