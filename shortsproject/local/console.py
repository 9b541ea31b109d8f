"""What the person at the terminal sees of a running stack."""

import queue
import sys
import threading
from pathlib import Path

POLL_SECONDS = 0.1


class Console:
    """Copies whole lines of the log file to standard output, and says things in between.

    The file is the buffer: if nobody reads our output, only this thread waits, never the stack.
    """

    def __init__(self, log: Path, *, follow: bool) -> None:
        self._log = log
        self.follows = follow
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._copy, name="console", daemon=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch(mode=0o600)
        self._position = log.stat().st_size
        self._thread.start()

    def say(self, text: str) -> None:
        """Print a line that does not belong into the log file."""
        self._said.put(text)

    def end(self) -> None:
        """Print what is left, as long as somebody reads it."""
        self._ending.set()
        self._thread.join(timeout=1)

    def _copy(self) -> None:
        ending = False
        try:
            while not ending:
                ending = self._ending.wait(POLL_SECONDS)
                if self.follows:
                    self._copy_lines()
                while not self._said.empty():
                    sys.stdout.buffer.write(self._said.get().encode() + b"\n")
                sys.stdout.buffer.flush()
        except OSError:
            return

    def _copy_lines(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._position)
            while (line := log.readline()).endswith(b"\n"):
                self._position += len(line)
                sys.stdout.buffer.write(line)
