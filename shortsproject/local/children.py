"""The processes of a local stack: started, looked after, ended.

Each child leads a process group of its own, so that Ctrl-C in the terminal reaches the supervisor
alone, which then ends them in order, and so that nothing of a killed child stays behind. All write
to one log file, opened for appending; a line is one write, so lines stay whole.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from shortsproject.local import files, processes

QUICK_DEATH_SECONDS = 10
PATIENT_DEATHS = 3
LONGEST_PAUSE_SECONDS = 30
PR_SET_PDEATHSIG = 1


def end_with_parent() -> Callable[[], None] | None:
    """What a new process does first, so that it gets SIGTERM if its parent is killed."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def spawn(
    command: list[str], environment: Mapping[str, str], log: Path
) -> "subprocess.Popen[bytes]":
    """Start a process that writes to the log and does not outlive us. From the main thread only:
    the kernel takes the end of the thread that started it for the end of the parent.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=files.REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )


class Child:
    """One process that is started again when it dies, ever more slowly if it keeps dying."""

    def __init__(self, name: str, command: list[str], local_dir: Path) -> None:
        self.name = name
        self.command = command
        self.log = local_dir / "log" / "shorts.log"
        self.pid_file = local_dir / "pids" / f"{name}.pid"
        self._quick_deaths = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_after = 0.0

    @property
    def keeps_dying(self) -> bool:
        """Whether starting it again does not seem to help."""
        return self._quick_deaths >= PATIENT_DEATHS

    def look_after(self, environment: Mapping[str, str]) -> None:
        """Start the process if it is due. Called several times a second."""
        now = time.monotonic()
        if self.process and self.process.poll() is not None:
            self._bury(now)
        if self.process is None and now >= self._start_after:
            self.process = spawn(self.command, environment, self.log)
            self._started_at = now
            files.write_private(self.pid_file, f"{self.process.pid}\n")

    def _bury(self, now: float) -> None:
        assert self.process
        # Workers of a killed master may still hold its port.
        kill_group(self.process.pid)
        quick = now - self._started_at < QUICK_DEATH_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        too_many = self._quick_deaths - PATIENT_DEATHS
        pause = min(2.0**too_many, LONGEST_PAUSE_SECONDS) if too_many > 0 else 0
        self._start_after = now + pause
        self.process = None

    def ask_to_end(self) -> None:
        """SIGTERM to the process alone, which ends its own workers in peace."""
        if self.process:
            self.process.terminate()

    def finish(self, deadline: float) -> None:
        """Wait for the end until the deadline, then make an end of the whole group."""
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, deadline - time.monotonic()))
            kill_group(self.process.pid)
            self.process.wait()
            self.process = None
        self.pid_file.unlink(missing_ok=True)


def kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def end_leftovers(local_dir: Path) -> None:
    """End what a killed supervisor of this LOCAL_DIR left running, and nobody else's processes."""
    for pid_file in (local_dir / "pids").glob("*.pid"):
        pid = files.read(pid_file)
        process = processes.find(int(pid), "shortsproject") if pid.isdigit() else None
        if process and _belongs_to(process, local_dir):
            processes.end(process, grace_seconds=5)
            kill_group(process.pid)
        pid_file.unlink(missing_ok=True)


def _belongs_to(process: psutil.Process, local_dir: Path) -> bool:
    try:
        return bool(process.environ().get("LOCAL_DIR") == str(local_dir))
    except psutil.Error:
        return False
