"""Atomic file writes on systems that lack what this one has."""

import os

import pytest

from dalejax.storage import atomic


def test_on_windows_a_folder_is_not_opened(monkeypatch, tmp_path):
    def refuse(*arguments):
        raise PermissionError("a folder cannot be opened")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        atomic.flush_folder(tmp_path)
    with monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        atomic.flush_folder(tmp_path)
