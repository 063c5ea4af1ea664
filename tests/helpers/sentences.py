"""How the text of an error is checked."""

import pytest


def assert_one_sentence(error: pytest.ExceptionInfo, *parts: str) -> None:
    """Assert that an error's message is one line that contains all of the given parts."""
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message
