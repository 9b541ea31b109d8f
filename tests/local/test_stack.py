"""The one-machine stack: what it writes, who it looks after, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from shortsproject.local import api_client, files, plan, postgres, processes, sample, stack

CHILDREN = ("beat", "gemini", "web", "worker")
Process = subprocess.Popen[str]


class Shell:
    """Commands as somebody gives them who works with one LOCAL_DIR."""

    def __init__(self, local_dir: Path, port: int) -> None:
        self.local_dir = local_dir
        self.port = port
        clean = plan.without_proxies(plan.without_routes(os.environ))
        dropped = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        kept = {name: value for name, value in clean.items() if name not in dropped}
        self.environment = kept | {"LOCAL_DIR": str(local_dir), "PORT": str(port)}

    def start(self, *arguments: str) -> Process:
        return subprocess.Popen(
            [sys.executable, "-m", "shortsproject.local.stack", *arguments],
            cwd=files.REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def outcome(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def pid(self, name: str) -> int:
        return int(files.read(self.local_dir / "pids" / f"{name}.pid") or 0)

    def pids(self) -> list[int]:
        return [self.pid(name) for name in CHILDREN]


def wait_for_line(process: Process, line: str) -> None:
    assert process.stdout
    seen = []
    for seen_line in process.stdout:
        seen.append(seen_line)
        if seen_line.strip() == line:
            return
    pytest.fail("".join(seen[-30:]))


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def keep_worker_waiting(shell: Shell) -> None:
    """Order a short whose analysis is answered when nobody waits for it any more."""
    told = dict(line.split("=", 1) for line in files.read(shell.local_dir / "stack.env").split())
    control = f"{told['GEMINI_BASE_URL']}/_control"
    httpx2.post(f"{control}/next", json={"kind": "analyse", "delay_s": 60}, trust_env=False)
    key = json.loads(files.read(shell.local_dir / "demo.json"))["api_key"]
    url = f"http://{processes.LOOPBACK}:{shell.port}"
    api_client.Api(url, key).generate(sample.picture(), "lake.jpg")
    begun = f"{control}/counts"
    assert wait_until(lambda: httpx2.get(begun, trust_env=False).json()["calls"]["analyse"], 15)


def is_gone(pid: int) -> bool:
    return processes.find(pid) is None


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A LOCAL_DIR in which nothing runs."""
    yield Shell(tmp_path, processes.free_port())
    stack.stop(tmp_path)
    postgres.remove_shared(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A stack that serves, shared by the tests that leave it running."""
    shell = Shell(tmp_path_factory.mktemp("stack"), processes.free_port())
    process = shell.start("run")
    wait_for_line(process, f"ready http://127.0.0.1:{shell.port}")
    yield shell
    process.terminate()
    process.communicate(timeout=30)
    postgres.remove_shared(shell.local_dir)


def test_a_running_stack_serves_at_its_port(running: Shell) -> None:
    assert stack.serves(running.port)


def test_secrets_are_for_their_owner_alone(running: Shell) -> None:
    names = ("demo.json", "stack.env", "secret_key")

    modes = {(running.local_dir / name).stat().st_mode & 0o777 for name in names}

    assert modes == {0o600}


def test_the_demo_file_names_the_people_and_the_address(running: Shell) -> None:
    demo = json.loads(files.read(running.local_dir / "demo.json"))

    expected = {"url", "user", "password", "api_key", "staff_user", "staff_password"}
    assert set(demo) == expected
    assert demo["url"] == f"http://127.0.0.1:{running.port}"


def test_stack_env_names_the_servers(running: Shell) -> None:
    lines = files.read(running.local_dir / "stack.env").splitlines()

    names = {line.partition("=")[0] for line in lines}

    assert names == {"DEBUG", "DATABASE_URL", "REDIS_URL", "GEMINI_BASE_URL", "SECRET_KEY"}


def test_manage_py_with_the_same_local_dir_acts_on_the_running_stack(running: Shell) -> None:
    command = [sys.executable, "manage.py", "create_api_key", "demo@example.com", "--name", "x"]

    done = subprocess.run(
        command, cwd=files.REPOSITORY, env=running.environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"shorts_")


def test_a_second_stack_in_the_same_folder_is_refused(running: Shell) -> None:
    status, _, errors = running.outcome("run")

    assert status == 1
    assert errors == f"A stack already runs in {running.local_dir}; make stop ends it.\n"
    assert stack.serves(running.port)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back_within_two_seconds(running: Shell, name: str) -> None:
    killed = running.pid(name)

    os.kill(killed, signal.SIGKILL)

    back = wait_until(lambda: running.pid(name) != killed and not is_gone(running.pid(name)), 2)
    assert back


def test_a_killed_postgresql_comes_back(running: Shell) -> None:
    found = postgres.running(postgres.place_for(running.local_dir))
    assert found

    os.kill(found[0].pid, signal.SIGKILL)

    wait_until(lambda: not stack.serves(running.port), 5)
    assert wait_until(lambda: stack.serves(running.port), 60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_child_within_ten_seconds(shell: Shell, number: int) -> None:
    process = shell.start("run")
    wait_for_line(process, f"ready http://127.0.0.1:{shell.port}")
    keep_worker_waiting(shell)
    pids = shell.pids()

    process.send_signal(number)
    process.communicate(timeout=10)

    assert process.returncode == 0
    assert all(is_gone(pid) for pid in pids)
    assert not postgres.is_running(shell.local_dir)


def test_stop_ends_what_a_killed_supervisor_left(shell: Shell) -> None:
    process = shell.start("run")
    wait_for_line(process, f"ready http://127.0.0.1:{shell.port}")
    pids = shell.pids()
    process.kill()
    process.communicate(timeout=10)

    outcome = shell.outcome("stop")

    assert outcome == (0, "", "")
    assert all(is_gone(pid) for pid in pids)
    assert not postgres.is_running(shell.local_dir)


def test_stop_is_silent_where_nothing_runs(shell: Shell) -> None:
    assert shell.outcome("stop") == (0, "", "")


def test_a_taken_port_is_one_sentence_and_nothing_is_started(shell: Shell) -> None:
    with socket.create_server((processes.LOOPBACK, shell.port)):
        status, output, errors = shell.outcome("run")

    sentence = f"Port {shell.port} is taken; choose another one, as in: make run PORT=8010\n"
    assert (status, output, errors) == (1, "", sentence)
    assert not (shell.local_dir / "postgres").exists()


@pytest.mark.parametrize("command", ["run", "run --demo"])
def test_a_folder_that_cannot_be_written_is_one_sentence(shell: Shell, command: str) -> None:
    shell.environment["LOCAL_DIR"] = "/dev/null/shorts"

    outcome = shell.outcome(*command.split())

    sentence = "LOCAL_DIR is /dev/null/shorts, where nothing can be written: Not a directory.\n"
    assert outcome == (1, "", sentence)


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan"])
def test_a_render_time_that_makes_no_sense_is_one_sentence(shell: Shell, seconds: str) -> None:
    shell.environment["STANDIN_RENDER_SECONDS"] = seconds

    status, _, errors = shell.outcome("run")

    sentence = f"STANDIN_RENDER_SECONDS is a number from 0 to 3,600, not '{seconds}'.\n"
    assert (status, errors) == (1, sentence)


def test_a_database_that_does_not_answer_is_one_sentence(shell: Shell) -> None:
    shell.environment["DATABASE_URL"] = "postgresql://nobody:secret@127.0.0.1:1/none"

    status, _, errors = shell.outcome("run")

    assert status == 1
    assert errors.startswith("Shorts cannot start: connection failed: ")
    assert errors.count("\n") == 1
    assert "secret" not in errors


def test_clean_refuses_a_folder_that_holds_more_than_a_stack(shell: Shell) -> None:
    shell.environment["LOCAL_DIR"] = str(files.REPOSITORY)

    status, _, errors = shell.outcome("clean")

    assert status == 1
    assert "holds more than a stack" in errors
