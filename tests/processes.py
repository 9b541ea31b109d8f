"""Real processes for tests that need them: web, worker and beat on the test's own database."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil
from django.db import connection

from shortsproject.local import processes

START_SECONDS = 30


def database_url() -> str:
    """The test database, as a child process has to be told."""
    parts = connection.settings_dict
    login = f"{quote(parts['USER'])}:{quote(parts['PASSWORD'])}"
    return f"postgresql://{login}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


class Stack:
    """Starts children that share the test's database, broker, files and Gemini stand-in."""

    def __init__(self, *, local_dir: Path, gemini_url: str) -> None:
        self.local_dir = local_dir
        self.children: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "shortsproject.settings",
            "LOCAL_DIR": str(local_dir),
            "DATABASE_URL": database_url(),
            "GEMINI_BASE_URL": gemini_url,
        }

    def start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        """One child in a process group of its own, its output in a file. `more` environment."""
        with (self.local_dir / "children.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**self.environment, **more},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.children.append(child)
        return child

    def worker(self, *, processes: int = 2) -> subprocess.Popen[bytes]:
        """A Celery worker."""
        return self.start(
            "celery", "-A", "shortsproject", "worker", "--concurrency", str(processes),
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

    def hurried_worker(self) -> subprocess.Popen[bytes]:
        """A Celery worker of one process whose leases last for seconds."""
        return self.start(
            "celery", "-A", "tests.journeys.hurried", "worker", "--concurrency", "1",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

    def trapped_worker(self, *, pool: str, name: str, side: str) -> subprocess.Popen[bytes]:
        """A Celery worker whose first process dies at an effect (see `tests.crash.trap`)."""
        return self.start(
            "celery", "-A", "tests.crash.trapped", "worker", "--pool", pool, "--concurrency", "1",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
            CRASH_EFFECT=name, CRASH_SIDE=side,
        )  # fmt: skip

    def beat(self) -> subprocess.Popen[bytes]:
        """The clock that rings for due shorts."""
        schedule = self.local_dir / f"beat-{len(self.children)}"
        return self.start("celery", "-A", "shortsproject", "beat", "-s", str(schedule))

    def web(self, *, workers: int = 2) -> str:
        """The web server; returns its address once it answers."""
        port = processes.free_port()
        self.start(
            "gunicorn", "shortsproject.wsgi:application", "--bind", f"127.0.0.1:{port}",
            "--workers", str(workers), "--threads", "8", "--no-control-socket",
        )  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(f"{url}/healthz"), what="the web server")
        return url

    def log(self) -> str:
        """What all children have written so far."""
        return (self.local_dir / "children.log").read_text()

    def stop(self) -> None:
        """End every child and its children."""
        for child in self.children:
            kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """kill -9 a child with all its children, as a power cut would."""
    family = [child.pid]
    if child.poll() is None:
        family += [p.pid for p in psutil.Process(child.pid).children(recursive=True)]
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    child.wait()


def wait_for(condition: Callable[[], object], *, what: str, most_seconds: float = 30) -> None:
    """Wait until a condition holds; fails with a sentence if it does not in time."""
    deadline = time.monotonic() + most_seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} took more than {most_seconds} s"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
