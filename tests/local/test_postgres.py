"""The embedded PostgreSQL: started, found again, recovered, stopped."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shortsproject.local import files, postgres, processes


@pytest.fixture
def local_dir(tmp_path: Path) -> Iterator[Path]:
    """A LOCAL_DIR of its own, below a folder that only its owner may enter."""
    yield tmp_path
    postgres.stop(tmp_path)
    postgres.remove_shared(tmp_path)


def start(local_dir: Path) -> str:
    return postgres.start(local_dir, durable=False)


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as database:
        cursor = database.execute(query)
        return cursor.fetchall() if cursor.description else []


def postmaster(local_dir: Path) -> int:
    found = postgres.running(postgres.place_for(local_dir))
    assert found
    return int(found[0].pid)


def kill_postmaster(local_dir: Path) -> None:
    pid = postmaster(local_dir)
    os.kill(pid, signal.SIGKILL)
    assert processes.wait_gone(pid, 5)


def test_a_started_server_answers_in_utf_8(local_dir: Path) -> None:
    url = start(local_dir)

    encoding = ask(url, "SHOW server_encoding")

    assert encoding == [("UTF8",)]


def test_a_second_start_finds_the_running_server(local_dir: Path) -> None:
    first = start(local_dir)
    pid = postmaster(local_dir)

    second = start(local_dir)

    assert (second, postmaster(local_dir)) == (first, pid)


def test_a_wrong_password_is_refused(local_dir: Path) -> None:
    url = start(local_dir)
    password = files.read(local_dir / "postgres" / "password")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(url.replace(password, "guessed"), "SELECT 1")


def test_the_password_file_is_for_its_owner_alone(local_dir: Path) -> None:
    start(local_dir)

    mode = (local_dir / "postgres" / "password").stat().st_mode

    assert mode & 0o777 == 0o600


def test_rows_survive_a_killed_postmaster(local_dir: Path) -> None:
    url = postgres.start(local_dir)
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    kill_postmaster(local_dir)

    url = start(local_dir)

    assert ask(url, "SELECT number FROM kept") == [(7,)]


def test_a_port_that_somebody_took_meanwhile_is_given_up(local_dir: Path) -> None:
    port = int(start(local_dir).rpartition("/")[0].rpartition(":")[2])
    postgres.stop(local_dir)

    with socket.create_server((processes.LOOPBACK, port)):
        url = start(local_dir)

        assert f":{port}/" not in url
        assert ask(url, "SELECT 1") == [(1,)]


def test_a_stale_pid_file_that_names_another_process_is_no_hindrance(local_dir: Path) -> None:
    start(local_dir)
    pid_file = postgres.place_for(local_dir).data / "postmaster.pid"
    written = pid_file.read_text().splitlines()
    kill_postmaster(local_dir)
    pid_file.write_text("\n".join([str(os.getpid()), *written[1:]]))

    url = start(local_dir)

    assert ask(url, "SELECT 1") == [(1,)]


def test_two_processes_that_start_it_at_once_share_one_server(local_dir: Path) -> None:
    command = [sys.executable, "-m", "shortsproject.local.postgres", "--fast"]
    environment = os.environ | {"LOCAL_DIR": str(local_dir)}

    pair = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = {process.communicate(timeout=60)[0] for process in pair}

    assert answers == {start(local_dir) + "\n"}


def test_a_stopped_server_is_gone_and_stopping_again_does_nothing(local_dir: Path) -> None:
    start(local_dir)
    pid = postmaster(local_dir)

    postgres.stop(local_dir)
    postgres.stop(local_dir)

    assert processes.find(pid) is None


def test_a_deleted_local_dir_takes_its_data_along(local_dir: Path) -> None:
    ask(start(local_dir), "CREATE TABLE old (number integer)")
    postgres.stop(local_dir)
    (local_dir / "postgres" / "password").unlink()

    url = start(local_dir)

    assert ask(url, "SELECT to_regclass('old')") == [(None,)]
