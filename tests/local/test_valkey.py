"""The embedded Valkey: started, found again, stopped."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from shortsproject.local import files, processes, valkey


@pytest.fixture
def local_dir(tmp_path: Path) -> Iterator[Path]:
    """A LOCAL_DIR of its own, with a name that needs quoting."""
    folder = tmp_path / 'with "spaces"'
    yield folder
    valkey.stop(folder)


def server(local_dir: Path) -> psutil.Process:
    process = valkey.running(local_dir / "valkey")
    assert process
    return process


def test_a_second_start_finds_the_running_server(local_dir: Path) -> None:
    first = valkey.start(local_dir)
    pid = server(local_dir).pid

    second = valkey.start(local_dir)

    assert (second, server(local_dir).pid) == (first, pid)


def test_nobody_gets_in_without_the_password(local_dir: Path) -> None:
    url = valkey.start(local_dir)
    password = files.read(local_dir / "valkey" / "password")

    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(url.replace(f":{password}@", "")).ping()


def test_the_command_line_does_not_show_the_password(local_dir: Path) -> None:
    valkey.start(local_dir)
    password = files.read(local_dir / "valkey" / "password")

    shown = server(local_dir).cmdline() + list(server(local_dir).environ().values())

    assert not any(password in word for word in shown)


def test_a_killed_server_comes_back_on_the_same_port(local_dir: Path) -> None:
    url = valkey.start(local_dir)
    pid = server(local_dir).pid
    os.kill(pid, signal.SIGKILL)
    processes.wait_gone(pid, 5)

    assert valkey.start(local_dir) == url
    assert server(local_dir).pid != pid


def test_a_stopped_server_is_gone_and_stopping_again_does_nothing(local_dir: Path) -> None:
    valkey.start(local_dir)
    pid = server(local_dir).pid

    valkey.stop(local_dir)
    valkey.stop(local_dir)

    assert processes.find(pid) is None
