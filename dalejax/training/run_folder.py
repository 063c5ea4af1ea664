"""A run's folder: its lock, and the description, checkpoints and table that it holds.

One process trains in a folder at a time, and only the run that the folder was made for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import numpy as np

from dalejax.analysis.results import write_table
from dalejax.runtime import messages, multihost
from dalejax.storage import atomic, checkpoint
from dalejax.storage.named_arrays import flatten, unflatten
from dalejax.storage.provenance import provenance
from dalejax.training.fingerprint import differences, renamed_classes
from dalejax.training.history import History
from dalejax.training.step import State

NAME, TABLE, LOCK = "train.json", "metrics.parquet", ".lock"
_MOST = 5  # differences named in a refusal; of the others it gives the number


class Saved(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        update: updates done.
        history: all metrics up to then.
        state: of all members [s, ...], in the host's memory.
    """

    update: int
    history: History
    state: State


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Lock a run's folder against other processes; the folder is made if it does not exist.

    The operating system frees the lock when the process ends, however it ends, so that a lock file
    left behind blocks nothing. One process may take the lock several times.

    Args:
        folder: the run's folder.

    Raises:
        ValueError: another process trains there.
        OSError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, lock(Path(folder)):
        ...     Path(folder, ".lock").exists()
        True
    """
    # Of several processes that share a run, the first one holds the lock for all.
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
    """The folder of a run, locked while the ``with`` block lasts.

    Args:
        folder: the run's folder; it is made if it does not exist.
        this: the run's description, see :func:`dalejax.training.fingerprint.identity`.
        resume: whether to continue the run in the folder, if it holds one.
        keep: how many of the newest checkpoints to keep, beside the one with the lowest score.

    Raises:
        FileExistsError: the folder holds a run and ``resume`` is False, or checkpoints without a
            description.
        ValueError: the folder holds another run, or another process trains there.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, this: dict[str, Any], resume: bool, keep: int):
        self._folder, self._this, self._resume = folder, this, resume
        self._store = checkpoint.Store(folder, keep)

    def __str__(self) -> str:
        return str(self._folder)

    def __enter__(self) -> RunFolder:
        # Before the lock, whose file must not be written into the folder of another run.
        multihost.agree(self._check)
        with contextlib.ExitStack() as stack:
            stack.enter_context(lock(self._folder))
            multihost.agree(self._claim)
            self._locked = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._locked.close()

    def restore(self, template: State) -> Saved | None:
        """Read the newest undamaged checkpoint, and write its table.

        Args:
            template: shapes and types of the state of all members.

        Returns:
            None if there is no checkpoint yet.

        Raises:
            ValueError: all checkpoints are damaged, or the state has other shapes or types.
        """
        update = self._store.newest()
        if update is None:
            return None
        arrays = self._store.load(update)
        history, state = History.restore(arrays), unflatten(template, arrays)
        # The table on disk may be older than this checkpoint, after a crash between the two
        # writes, or newer, if a later checkpoint is damaged.
        self._write_table(history, state.diverged_at)
        return Saved(update, history, state)

    def save(
        self,
        update: int,
        waves: list[State],
        sizes: list[int],
        history: History,
        diverged_at: np.ndarray,
        score: float,
    ) -> None:
        """Write a checkpoint and the table; every process must call it.

        Args:
            update: updates done.
            waves: the state of each wave of members, padding included.
            sizes: how many members of each wave are real.
            history: all metrics so far.
            diverged_at: for each member the update at which it diverged [s], -1 if it did not.
            score: of the ensemble; the lower the better.
        """
        self._store.save(update, {**flatten(waves, sizes), **history.arrays()}, score)
        self._write_table(history, diverged_at)

    def _write_table(self, history: History, diverged_at: np.ndarray) -> None:
        # Every process waits for this: one that ended earlier would end the first one as well,
        # before the table is written.
        multihost.agree(lambda: write_table(history.table(diverged_at), self._folder / TABLE))

    def _check(self) -> dict[str, Any] | None:
        """Read what the folder's run was made with; None if it holds no run yet.

        Raises:
            FileExistsError: the folder holds a run that must not be continued, or no description.
            ValueError: the folder holds another run, or its description cannot be read.
        """
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
            renamed = renamed_classes(saved["run"], self._this)
            made_on = {name: saved[name] for name in ("devices", "versions")}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is broken; it must be the JSON that train wrote.") from error
        if different:
            more = len(different) - _MOST
            named = "; ".join(different[:_MOST]) + (f"; and {more} more" if more > 0 else "")
            advice = "use another folder, or the settings that it was begun with"
            if renamed:
                version, revision = made_on["versions"].get("dalejax"), saved.get("git")
                at = f" at revision {revision}" if revision else ""
                advice += f" (where a class was only renamed, use dalejax {version}{at})"
            raise ValueError(f"{self._folder} holds another run: {named}; {advice}.")
        return made_on

    def _claim(self) -> None:
        """Write the run's description into a new folder, or tidy the folder of an earlier run."""
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
                "but its numbers may be rounded differently."
            )
