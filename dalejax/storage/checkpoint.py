"""The checkpoints of a run: written atomically with Orbax, checked before they are used.

The checkpoint after ``u`` updates is a folder of that number. It holds named arrays: restoring
needs no library's classes, and nothing is unpickled. Orbax writes the folder under another name; it
gets its number as a name when it is complete and has a manifest of its files. So a numbered folder
was complete once, and its manifest tells whether it still is.

Of several processes each writes the members that it trains, and each reads all of them back, so
that a run may be resumed by another number of processes. Only this module uses Orbax.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from dalejax._version import __version__
from dalejax.runtime import messages, multihost
from dalejax.storage import atomic, manifest
from dalejax.types import Array

FOLDER = "checkpoints"
KEEP = 3  # by default, how many of the newest checkpoints stay
# How the names of unnumbered folders begin. The first two are left over when a process is killed;
# the process that has the run's lock may delete them.
WRITING, REMOVING, DAMAGED = "writing-", "removing-", "damaged-"


class Store:
    """The checkpoints in a run's folder: the newest ones, and the one with the lowest score.

    Args:
        folder: the run's folder; the checkpoints are in ``folder/checkpoints``.
        keep: how many of the newest checkpoints to keep.

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
        """The checkpoints' numbers of updates, ascending; some checkpoints may be damaged."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    @property
    def latest(self) -> int | None:
        """The newest checkpoint's number of updates, None if there is no checkpoint."""
        return max(self.updates, default=None)

    @property
    def best(self) -> int | None:
        """The number of updates of the checkpoint with the lowest score, None if none has one.

        Of several checkpoints with that score it is the newest.
        """
        scores = {update: self._score(update) for update in self.updates}
        finite = {update: score for update, score in scores.items() if math.isfinite(score)}
        return min(finite, key=lambda update: (finite[update], -update), default=None)

    def clean(self) -> None:
        """Delete folders that a killed process left half written or half removed."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name.startswith((WRITING, REMOVING)):
                    shutil.rmtree(path)

    def save(self, update: int, arrays: Mapping[str, Array], score: float = math.nan) -> None:
        """Write a checkpoint atomically, then remove old ones; every process must call this.

        Args:
            update: updates done.
            arrays: the state, by name; each process writes the parts that its devices hold.
            score: the lower the better; a checkpoint with NaN is never the best.

        Raises:
            OSError: the checkpoint cannot be written; earlier ones are still there.
        """
        writing = self.folder / f"{WRITING}{update}"
        try:
            multihost.agree(self._make_folder)
            with _quiet_orbax():
                # Here, as importing Orbax takes seconds and adds a handler to the root logger.
                from orbax.checkpoint import v1 as ocp

                ocp.save(str(writing), dict(arrays))
            multihost.agree(lambda: self._finish(writing, update, score))
        except multihost.OtherProcessFailed:
            raise
        except (OSError, ValueError, RuntimeError) as error:  # tensorstore raises all three
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
        """Find the newest undamaged checkpoint, and rename the damaged ones that are newer.

        Returns:
            Its number of updates, None if there are no checkpoints.

        Raises:
            ValueError: all checkpoints are damaged (none is renamed then), or a later dalejax
                wrote one in a format that this one does not know.
        """
        return multihost.agree(self._newest)

    def load(self, update: int) -> dict[str, np.ndarray]:
        """Read a checkpoint that :meth:`newest` has found undamaged.

        Args:
            update: its number of updates.

        Returns:
            NumPy arrays by name.
        """
        path = str(self.folder / str(update))
        # Templates of NumPy arrays make Orbax return these, whatever devices they were saved from.
        with _quiet_orbax():
            from orbax.checkpoint import v1 as ocp  # see save

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
            # Renamed first, so that a folder half removed does not look like a damaged checkpoint.
            # A folder that cannot be removed now is removed when the run is resumed.
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
        # A checkpoint may be damaged, written again and damaged again: -2, -3, …
        name = f"{DAMAGED}{update}"
        paths = (self.folder / (f"{name}-{n}" if n > 1 else name) for n in itertools.count(1))
        return next(path for path in paths if not path.exists())

    def _score(self, update: int) -> float:
        try:
            score = manifest.read(self.folder / str(update))["score"]
        except ValueError:  # a damaged checkpoint is never the best
            return math.nan
        return math.nan if score is None else score


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Hide the log lines below ERROR that Orbax writes, and undo its changes to the root logger."""
    root, log = logging.getLogger(), logging.getLogger("absl")
    level, handlers = log.level, list(root.handlers)
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)


def _reason(error: BaseException) -> str:
    """Give the first line of an error's message, at most 200 characters."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
