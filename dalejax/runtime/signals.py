"""Signals: the first SIGINT or SIGTERM asks a run to stop where it can be continued, a second one
stops it at once.

Python runs its own handlers between two steps of the interpreter, so not while a program on the
devices is waited for. Here the system's handler wakes a thread, which is never late.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

from dalejax.runtime import messages, multihost

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """A signal stopped the program, after saving if it trained; it exits with 128 + signal.

    Args:
        number: the signal's.

    Example:
        >>> Interrupted(signal.SIGTERM).code
        143
    """

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.signal = signal.Signals(number)


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Let SIGTERM raise :class:`Interrupted`, as SIGINT raises KeyboardInterrupt: for commands.

    Example:
        >>> with raising():
        ...     signal.raise_signal(signal.SIGTERM)
        Traceback (most recent call last):
        dalejax.runtime.signals.Interrupted: 143
    """

    def interrupt(number, frame):
        del frame
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Watch:
    """Notes the first signal while it is entered; the second one ends the process.

    Outside of the main thread nothing is watched: only there can handlers be set.

    Attributes:
        noted: the first signal, None if there was none.

    Example:
        >>> with Watch() as watch:
        ...     signal.raise_signal(signal.SIGTERM)
        >>> watch.noted.name
        'SIGTERM'
    """

    def __init__(self):
        self.noted: signal.Signals | None = None

    def __enter__(self) -> Watch:
        self._before = {}
        if threading.current_thread() is not threading.main_thread():
            return self
        # The system's handler writes the signal's number here, whatever the main thread is at.
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            self._before[number] = signal.signal(number, lambda *_: None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._before:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._mouth.close()  # ends the thread, when it has read all that came
        self._thread.join()
        self._ear.close()

    def stop_signal(self) -> int:
        """Say which signal asked for a stop, in any process; 0 if none did.

        All processes get the same answer, so all of them stop after the same update.
        """
        return int(multihost.gather(self.noted or 0).max())

    def _listen(self):
        while numbers := self._ear.recv(16):
            for number in numbers:
                if number not in SIGNALS:
                    continue
                if self.noted is not None:
                    os._exit(128 + number)  # nothing is cleaned up: the checkpoints are whole
                self.noted = signal.Signals(number)
                messages.say(
                    f"{self.noted.name}: the updates in hand are finished and saved; a second "
                    "signal stops at once."
                )
