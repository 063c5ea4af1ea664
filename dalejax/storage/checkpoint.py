"""Checkpoints: the only file that knows Orbax.

Checkpoint ``s`` holds the state after ``s`` updates, as named arrays: restoring needs no library's
classes, and nothing is ever unpickled. Orbax writes a folder under another name; when it is
complete, with a manifest of its files, it gets its number as a name. So a numbered folder was
whole once, and its manifest tells whether it still is.

Of several processes each writes the members it holds, and each reads all of them back: their number
may change in between.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from orbax.checkpoint import v1 as ocp

from dalejax._version import __version__
from dalejax.runtime import messages, multihost
from dalejax.storage import atomic, manifest
from dalejax.types import Array

FOLDER = "checkpoints"
KEEP = 3
# Folders that are being written or removed; whoever has the run's lock may clear them away.
WRITING, REMOVING, DAMAGED = "writing-", "removing-", "damaged-"


class Store:
    """A run folder's checkpoints: the newest ones, and the one with the lowest score.

    Args:
        folder: the run's folder; its checkpoints go to ``folder/checkpoints``.
        keep: how many of the newest checkpoints stay.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store(folder)
        ...     store.save(5, {"a": np.arange(3)})
        ...     store.latest, store.load(5)["a"].tolist()
        (5, [0, 1, 2])
    """

    def __init__(self, folder: str | Path, keep: int = KEEP):
        self.folder, self._keep = Path(folder).absolute() / FOLDER, keep

    @property
    def updates(self) -> list[int]:
        """List the checkpoints by their number of updates, oldest first; some may be damaged."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    @property
    def latest(self) -> int | None:
        """Number of updates of the newest checkpoint, None if there is none."""
        return max(self.updates, default=None)

    @property
    def best(self) -> int | None:
        """Number of updates of the checkpoint with the lowest score; the later one of equals."""
        scores = {update: self._score(update) for update in self.updates}
        finite = {update: score for update, score in scores.items() if math.isfinite(score)}
        return min(finite, key=lambda update: (finite[update], -update), default=None)

    def clean(self) -> None:
        """Remove what a process that ended in the middle of something left behind."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name.startswith((WRITING, REMOVING)):
                    shutil.rmtree(path)

    def save(self, update: int, arrays: dict[str, Array], score: float = math.nan) -> None:
        """Write a checkpoint: afterwards it is there, whole, or it is not; all processes call it.

        Args:
            update: how many updates the state has behind it.
            arrays: by name; those on devices of several processes are written by all.
            score: the lower the better; NaN for one that is never the best.

        Raises:
            OSError: it cannot be written; those before it are still there.
        """
        writing = self.folder / f"{WRITING}{update}"
        try:
            multihost.agree(self._make_folder)
            with _quiet_orbax():
                ocp.save(writing, arrays)
            multihost.agree(lambda: self._finish(writing, update, score))
        except multihost.OtherFailed:
            raise
        except (OSError, ValueError, RuntimeError) as error:  # tensorstore's are of all three
            if multihost.is_first():
                for left in self.folder.glob(f"{WRITING}*"):
                    shutil.rmtree(left, ignore_errors=True)
            latest = "no earlier one" if self.latest is None else f"the one after {self.latest}"
            raise OSError(
                f"the checkpoint after {update} updates cannot be written into {self.folder} "
                f"({_reason(error)}); {latest} is there to continue from."
            ) from error
        multihost.agree(self._remove_old)

    def newest(self) -> int | None:
        """Find the newest checkpoint that is whole; those after it are moved aside.

        Returns:
            Its number of updates, None if there are no checkpoints.

        Raises:
            ValueError: there are checkpoints, but none is whole (nothing is moved then), or one
                was written by a later dalejax.
        """
        return multihost.agree(self._newest)

    def load(self, update: int) -> dict[str, np.ndarray]:
        """Read a checkpoint back; see that it is whole first (``newest`` does).

        Args:
            update: its number of updates.
        """
        path = self.folder / str(update)
        # As NumPy arrays, whatever devices they were saved from.
        with _quiet_orbax():
            saved = ocp.metadata(path).metadata
            wanted = {name: np.empty(array.shape, array.dtype) for name, array in saved.items()}
            return ocp.load(path, wanted)

    def _finish(self, writing: Path, update: int, score: float) -> None:
        finite = score if math.isfinite(score) else None
        manifest.write(writing, dalejax=__version__, update=update, score=finite)
        writing.rename(self.folder / str(update))
        atomic.flush_folder(self.folder)

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.flush_folder(self.folder.parent)

    def _remove_old(self) -> None:
        kept = {*self.updates[-self._keep :], self.best}
        for old in set(self.updates) - kept:
            # Renamed first: half a folder must not look like a damaged checkpoint. What cannot be
            # removed now is removed when the run is continued.
            removing = self.folder / f"{REMOVING}{old}"
            (self.folder / str(old)).rename(removing)
            shutil.rmtree(removing, ignore_errors=True)

    def _newest(self) -> int | None:
        damaged: dict[int, str] = {}
        whole = None
        for update in reversed(self.updates):
            try:
                manifest.check(self.folder / str(update))
            except manifest.Damaged as error:
                damaged[update] = str(error)
            else:
                whole = update
                break
        if damaged and whole is None:
            described = "; ".join(f"{update}: {why}" for update, why in damaged.items())
            raise ValueError(
                f"none of the checkpoints in {self.folder} can be used ({described}); nothing was "
                "changed. Delete them to begin anew."
            )
        for update, why in damaged.items():
            aside = self._free_name(update)
            (self.folder / str(update)).rename(aside)
            messages.warn(
                f"the checkpoint {self.folder / str(update)} is damaged ({why}); it was moved to "
                f"{aside.name}, and the run continues after {whole} updates."
            )
        return whole

    def _free_name(self, update: int) -> Path:
        name = f"{DAMAGED}{update}"  # damaged again after it was written again: -2, -3, …
        paths = (self.folder / (f"{name}-{n}" if n > 1 else name) for n in itertools.count(1))
        return next(path for path in paths if not path.exists())

    def _score(self, update: int) -> float:
        try:
            score = manifest.read(self.folder / str(update))["score"]
        except ValueError:  # damaged: it is not the best
            return math.nan
        return math.nan if score is None else score


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Hide what Orbax logs of every save at INFO and WARNING; its errors still raise."""
    log = logging.getLogger("absl")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
