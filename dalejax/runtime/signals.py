"""SIGINT and SIGTERM during training: the first one saves and stops the run, the second kills it.

Python runs signal handlers between two bytecode instructions, so not while the main thread waits
for a program on the devices. Here the handler in C writes to a socket, which wakes a thread.
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
    """Raised when a signal stops the program; uncaught, it exits with code 128 + signal.

    Where :func:`dalejax.train` raises it, the run has been saved.

    Args:
        number: the number of the signal.

    Attributes:
        signal: the signal.

    Example:
        >>> Interrupted(signal.SIGTERM).code
        143
    """

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.signal = signal.Signals(number)


@contextlib.contextmanager
def raise_on_sigterm() -> Iterator[None]:
    """Raise :class:`Interrupted` in the main thread when SIGTERM arrives.

    For command lines, where it is caught beside SIGINT's KeyboardInterrupt. Outside of the main
    thread, where Python allows no handlers, nothing changes.

    Example:
        >>> with raise_on_sigterm():
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
    """Keep the first SIGINT or SIGTERM that arrives in a ``with`` block; a second one kills the
    process.

    Outside of the main thread, where Python allows no handlers, no signal is kept.

    Attributes:
        received: the first signal, None if there was none.

    Example:
        >>> with Watch() as watch:
        ...     signal.raise_signal(signal.SIGTERM)
        >>> watch.received.name
        'SIGTERM'
    """

    def __init__(self):
        self.received: signal.Signals | None = None

    def __enter__(self) -> Watch:
        self._before = {}
        if threading.current_thread() is not threading.main_thread():
            return self
        # Python's handler in C writes the number of each signal to this socket at once, whatever
        # the main thread is doing.
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
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
        self._writer.close()  # ends the thread, once it has read every signal
        self._thread.join()
        self._reader.close()

    def stop_signal(self) -> int:
        """Give the number of the signal that any process received, 0 if none did.

        All processes get the same answer, so that all of them stop after the same update.
        """
        return int(multihost.gather(self.received or 0).max())

    def _listen(self):
        while numbers := self._reader.recv(16):
            for number in numbers:
                if number not in SIGNALS:
                    continue
                if self.received is not None:
                    os._exit(128 + number)  # no cleaning up is needed: checkpoints are atomic
                self.received = signal.Signals(number)
                messages.say(
                    f"{self.received.name} received: the run is saved and stops at the next "
                    "evaluation; a second signal stops it at once, without saving."
                )
