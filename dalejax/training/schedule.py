"""When training evaluates, saves a checkpoint and ends, in numbers of updates."""

from __future__ import annotations

from dataclasses import dataclass

from dalejax import checks


@dataclass(frozen=True)
class Schedule:
    """Numbers of updates.

    Attributes:
        num_updates: updates in all.
        eval_every: updates between evaluations.
        checkpoint_every: updates between checkpoints, a multiple of ``eval_every``.
    """

    num_updates: int
    eval_every: int
    checkpoint_every: int

    @classmethod
    def checked(
        cls, num_updates: int, eval_every: int, checkpoint_every: int | None = None
    ) -> Schedule:
        """Make a schedule of whole numbers that fit together.

        Args:
            num_updates: updates in all, at least 1.
            eval_every: updates between evaluations, at least 1.
            checkpoint_every: updates between checkpoints; None for ten times ``eval_every``.

        Raises:
            ValueError: a number is not whole or out of its range, or ``checkpoint_every`` is no
                multiple of ``eval_every``.

        Example:
            >>> Schedule.checked(100, 7).checkpoint_every
            70
        """
        num_updates = checks.whole("num_updates", num_updates)
        eval_every = checks.whole("eval_every", eval_every)
        if checkpoint_every is None:
            checkpoint_every = 10 * eval_every
        checks.multiple("checkpoint_every", checkpoint_every, "eval_every", eval_every)
        return cls(num_updates, eval_every, checkpoint_every)

    def next_evaluation(self, update: int) -> int:
        """Give the number of updates at the first evaluation after ``update`` of them.

        Args:
            update: updates done.

        Example:
            >>> schedule = Schedule.checked(100, 30)
            >>> [schedule.next_evaluation(update) for update in (0, 29, 30, 95)]
            [30, 30, 60, 100]
        """
        return min(self.num_updates, (update // self.eval_every + 1) * self.eval_every)
