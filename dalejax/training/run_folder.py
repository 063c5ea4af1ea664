"""A run's folder: one process trains in it at a time, and only the run that it was made for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from dalejax.analysis.results import write_table
from dalejax.runtime import messages, multihost
from dalejax.storage import atomic, checkpoint
from dalejax.storage.named_arrays import flatten, unflatten
from dalejax.storage.provenance import provenance
from dalejax.training.fingerprint import differences
from dalejax.training.history import History
from dalejax.types import PyTree

NAME, TABLE, LOCK = "train.json", "metrics.parquet", ".lock"
_MOST = 5  # so many differences are named


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; it is made if need be.

    The system holds the lock for the process, so it ends with it, however that happens: a file
    that is left behind locks nobody out. In one process it may be taken several times.

    Args:
        folder: the run's.

    Raises:
        ValueError: another process trains there.
        OSError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, lock(Path(folder)):
        ...     Path(folder, ".lock").exists()
        True
    """
    # The first process holds it for all.
    held = filelock.FileLock(folder / LOCK, timeout=0, is_singleton=True)
    multihost.agree(lambda: _acquire(held, folder))
    try:
        yield
    finally:
        if multihost.is_first():
            held.release()


def _acquire(held: filelock.BaseFileLock, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except filelock.Timeout:
        raise ValueError(
            f"{folder} is in use: another process trains there; wait, or name another folder."
        ) from None
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written ({error.strerror or error}); a run must write there."
        ) from error


class RunFolder:
    """The folder of a run while it trains there: its description, checkpoints and table.

    Args:
        folder: the run's; it is made.
        this: the run, see :func:`dalejax.training.fingerprint.identity`.
        resume: whether to continue the run in the folder, if there is one.
        keep: how many of the newest checkpoints stay, beside the best one.

    Raises:
        FileExistsError: there is a run and ``resume`` is False, or what is there is no run.
        ValueError: another run is there, or another process trains there.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, this: dict[str, Any], resume: bool, keep: int):
        self._folder, self._this, self._resume = folder, this, resume
        self._store = checkpoint.Store(folder, keep)

    def __str__(self) -> str:
        return str(self._folder)

    def __enter__(self) -> RunFolder:
        multihost.agree(self._check)  # before the lock: nothing is written into a foreign folder
        with contextlib.ExitStack() as stack:
            stack.enter_context(lock(self._folder))
            multihost.agree(self._claim)
            self._locked = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._locked.close()

    def restore(self, template: PyTree) -> tuple[int, History, PyTree] | None:
        """Read the newest checkpoint that is whole: updates, history, state.

        Args:
            template: the state's shapes and types.

        Returns:
            None if there is no checkpoint yet.

        Raises:
            ValueError: there are checkpoints, but none is whole, or the state does not fit.
        """
        update = self._store.newest()
        if update is None:
            return None
        arrays = self._store.load(update)
        history, state = History.restore(arrays), unflatten(template, arrays)
        # A crash between the checkpoint and its table leaves an older table behind; a damaged
        # checkpoint a newer one.
        self._write_table(history, state.diverged_at)
        return update, history, state

    def save(
        self,
        update: int,
        waves: list[PyTree],
        sizes: list[int],
        history: History,
        diverged_at,
        score: float,
    ) -> None:
        """Write a checkpoint and the table; all processes call it.

        Args:
            update: updates done.
            waves: the state, see :func:`dalejax.storage.named_arrays.flatten`.
            sizes: members of each wave.
            history: all metrics so far.
            diverged_at: see :class:`dalejax.training.step.State`; [s].
            score: of the ensemble, the lower the better.
        """
        self._store.save(update, {**flatten(waves, sizes), **history.arrays()}, score)
        self._write_table(history, diverged_at)

    def _write_table(self, history, diverged_at) -> None:
        # Agreed: no process ends, and takes the others with it, before the table is written.
        multihost.agree(lambda: write_table(history.table(diverged_at), self._folder / TABLE))

    def _check(self) -> dict[str, Any] | None:
        path = self._folder / NAME
        if not path.exists():
            if (self._folder / checkpoint.FOLDER).exists():
                raise FileExistsError(
                    f"{self._folder} holds checkpoints but no {NAME}; use another folder."
                )
            return None
        if not self._resume:
            raise FileExistsError(f"{self._folder} holds a run already; resume=True continues it.")
        try:
            saved = atomic.read_json(path)
            different = differences(saved["run"], self._this)
            made_on = {name: saved[name] for name in ("devices", "versions")}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is broken; it must be the JSON that train wrote.") from error
        if different:
            more = len(different) - _MOST
            named = "; ".join(different[:_MOST]) + (f"; and {more} more" if more > 0 else "")
            raise ValueError(
                f"{self._folder} holds another run: {named}; name another folder, or change back."
            )
        return made_on

    def _claim(self) -> None:
        before, now = self._check(), provenance()
        if before is None:
            atomic.write_json(self._folder / NAME, {"run": self._this, **now})
            return
        self._store.clean()
        atomic.clear_unfinished(self._folder)
        changed = differences(before, {name: now[name] for name in before})
        if changed:
            messages.warn(
                f"{self._folder} was begun elsewhere ({'; '.join(changed)}): the run continues, "
                "but the last bits of its numbers may differ."
            )
