"""Pytest plugin: a PostgreSQL and a Valkey of their own for the tests.

Named in addopts, because pytest-django reads the settings before any conftest is loaded. Each
pytest run takes the first free folder of LOCAL_DIR/test/1, 2, 3, …, so that runs side by side, and
a running stack, do not disturb each other; servers that a killed run left behind are found there
and used again. Workers of pytest-xdist inherit the environment and start nothing.
"""

import atexit
import fcntl
import os
from pathlib import Path
from typing import TextIO

# The package sets the production settings as default when it is imported.
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import pytest
import redis

from shortsproject.local import files, postgres, valkey

pytest_plugins = ["tests.browser", "tests.buckets", "tests.crash.listing", "tests.database"]

DROPPED = ("GOOGLE_", "GEMINI_")
PINNED = {
    # Empty rather than absent: an absent variable may come back from .env.
    "GOOGLE_CLOUD_PROJECT": "",
    "GEMINI_API_KEY": "",
    "GEMINI_BASE_URL": "",
    "STORAGE_URL": "",
    "EMAIL_URL": "memorymail://",
    "SITE_URL": "",
    "CONTACT_EMAIL": "",
    "TRUSTED_PROXIES": "0",
    "STAFF_EMAILS": "",
    "STAFF_NOTICE_LEVEL": "100",
    "DEBUG": "1",
    "SECRET_KEY": "only-for-tests",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
    "DEFAULT_TOKEN_LIMIT": "10000",
    "DEFAULT_MAX_IN_FLIGHT": "3",
    "DAILY_SPEND_LIMIT_USD": "",
    "PROVIDER_SUBMITS_PER_MINUTE": "300",
    "PROVIDER_RENDERS_AT_ONCE": "200",
    "SIGNUP_OPEN": "1",
    "QUOTA_TIME_ZONE": "Asia/Seoul",
    "LOG_LANGUAGE": "ko",
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> object:
    """Have the servers up before pytest-django loads the settings."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _clean_environment()
        _start_servers()
    else:
        # A broker database of its own, so that no worker takes another one's messages.
        server, _, _ = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{server}/{1 + int(worker.removeprefix('gw'))}"
    return (yield)


def _clean_environment() -> None:
    for name in list(os.environ):
        if name.startswith(DROPPED) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(PINNED)


def _start_servers() -> None:
    folder, lock = _free_folder(files.local_dir() / "test")
    atexit.register(_stop_servers, folder, lock, os.getpid())
    os.environ["LOCAL_DIR"] = str(folder)
    os.environ["DATABASE_URL"] = postgres.start(folder, durable=False)
    os.environ["REDIS_URL"] = valkey.start(folder)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
        broker.flushall()


def _free_folder(parent: Path) -> tuple[Path, TextIO]:
    """The first folder that no other run holds, and the lock that holds it."""
    number = 0
    while True:
        number += 1
        folder = parent / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return folder, lock


def _stop_servers(folder: Path, lock: TextIO, owner: int) -> None:
    """End of the run. A forked child that leaves through atexit stops nothing."""
    if os.getpid() == owner:
        valkey.stop(folder)
        postgres.stop(folder)
        lock.close()
