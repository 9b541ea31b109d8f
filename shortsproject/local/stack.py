"""The whole system on one machine: PostgreSQL, Valkey, Gemini's stand-in, web, worker and beat.

One supervisor per LOCAL_DIR, which holds a file lock as long as it lives. It starts everything,
starts again what dies, and ends everything at SIGINT or SIGTERM. Commands: run, stop, clean.
"""

import argparse
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TextIO

from shortsproject import startup
from shortsproject.local import children, files, plan, postgres, processes, valkey
from shortsproject.local.console import Console
from shortsproject.local.plan import Plan

READY_SECONDS = 60
END_SECONDS = 4
STOP_SECONDS = 15
LOOK_SECONDS = 0.1
LOG_BYTES = 20_000_000


class Stopped(Exception):
    """Somebody asked the stack to end."""


class Stack:
    """One running stack. Signals only set a flag, which every wait in here looks at."""

    def __init__(self, the_plan: Plan, console: Console) -> None:
        self.plan = the_plan
        self.console = console
        self.environment = dict(the_plan.environment)
        self.children: list[children.Child] = []
        self.log = the_plan.local_dir / "log" / "shorts.log"
        self.log_start = self.log.stat().st_size
        self.stopping = False
        self.stand_in_port = 0
        self.own_database = not self.environment.get("DATABASE_URL")
        self.own_broker = not self.environment.get("REDIS_URL")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    def run(self) -> None:
        """From nothing to a stack that serves, until it is asked to end."""
        try:
            children.end_leftovers(self.plan.local_dir)
            self.start_servers()
            if self.plan.stand_in:
                self.start_stand_in()
            self.write_env_file()
            self.prepare()
            self.start_programs()
            self.wait_until_ready()
            self.introduce()
            self.watch()
        except Stopped:
            pass
        finally:
            self.shut_down()

    def start_servers(self) -> None:
        if self.own_database:
            self.environment["DATABASE_URL"] = postgres.start(self.plan.local_dir)
        if self.own_broker:
            self.environment["REDIS_URL"] = valkey.start(self.plan.local_dir)

    def start_stand_in(self) -> None:
        port = self.stand_in_port = processes.free_port()
        self.environment["GEMINI_BASE_URL"] = f"http://{processes.LOOPBACK}:{port}"
        self.add_child("gemini", "shortsproject.local.gemini", "--port", str(port))

    def add_child(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", *arguments]
        self.children.append(children.Child(name, command, self.plan.local_dir))
        self.look_after_children()

    def write_env_file(self) -> None:
        """Let manage.py with the same LOCAL_DIR act on this stack."""
        names = ("DEBUG", "DATABASE_URL", "REDIS_URL", "GEMINI_BASE_URL", "SECRET_KEY")
        lines = [f"{name}={self.environment[name]}\n" for name in names if name in self.environment]
        files.write_private(self.plan.local_dir / "stack.env", "".join(lines))

    def prepare(self) -> None:
        """Bring the database up to date and make the people, in a process of its own."""
        command = [sys.executable, "-m", "shortsproject.local.prepare", "stack", self.plan.url]
        process = children.spawn(command, self.environment, self.log)
        while process.poll() is None:
            if self.stopping:
                process.terminate()
            time.sleep(0.02)
        self.pause(0)
        if process.returncode:
            raise self.failure("The database could not be prepared")

    def start_programs(self) -> None:
        address = f"{processes.LOOPBACK}:{self.plan.port}"
        gunicorn = "--worker-class gthread --workers 2 --threads 8 --graceful-timeout 3"
        worker = "--pool prefork --autoscale 12,2 --without-gossip --without-mingle"
        celery = ("celery", "-A", "shortsproject")
        quiet = ("--without-heartbeat", "--loglevel", "info")
        self.add_child(
            "web",
            *("gunicorn", "shortsproject.wsgi:application", "--bind", address),
            *(*gunicorn.split(), "--preload", "--no-control-socket"),
        )
        self.add_child("worker", *celery, "worker", *worker.split(), *quiet)
        # The plain scheduler keeps its times in memory: the schedule is seconds, not days.
        self.add_child("beat", *celery, "beat", "-S", "celery.beat:Scheduler", *quiet[1:])

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            self.refuse_broken_children()
            if time.monotonic() > deadline:
                raise self.failure(f"{self.plan.url} does not answer after {READY_SECONDS} s")
            self.pause(LOOK_SECONDS)
            self.look_after_children()

    def refuse_broken_children(self) -> None:
        for child in self.children:
            if child.keeps_dying:
                raise self.failure(f"The {child.name} process does not stay up")

    def is_ready(self) -> bool:
        return serves(self.plan.port) and (not self.stand_in_port or listens(self.stand_in_port))

    def failure(self, what: str) -> processes.LocalError:
        """What our programs said of it in a sentence, or else the end of the log."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().decode("utf-8", errors="replace").splitlines()
        sentences = [line for line in lines if line.startswith(startup.REFUSAL)]
        end = [f"{what}. The end of {self.log}:", *lines[-15:]]
        return processes.LocalError(sentences[-1] if sentences else "\n".join(end))

    def introduce(self) -> None:
        demo = json.loads(files.read(self.plan.local_dir / "demo.json"))
        self.console.say(f"\nVideos are made by {self.plan.route}.")
        self.console.say(f"user   {demo['user']}  password {demo['password']}")
        self.console.say(f"staff  {demo['staff_user']}  password {demo['staff_password']}")
        self.console.say(f"ready {self.plan.url}")

    def watch(self) -> None:
        """Until somebody asks to end: start again what died. A demo does not wait for repairs."""
        look_at_servers = time.monotonic()
        while True:
            self.pause(LOOK_SECONDS)
            self.look_after_children()
            if not self.console.follows:
                self.refuse_broken_children()
            if time.monotonic() >= look_at_servers:
                self.look_after_servers()
                look_at_servers = time.monotonic() + 1

    def look_after_children(self) -> None:
        for child in self.children:
            child.look_after(self.environment)

    def look_after_servers(self) -> None:
        """A server that died comes back, nearly always on its old port."""
        database_lives = not self.own_database or postgres.is_running(self.plan.local_dir)
        broker_lives = not self.own_broker or valkey.is_running(self.plan.local_dir)
        if database_lives and broker_lives:
            return
        before = dict(self.environment)
        self.start_servers()
        if self.environment != before:
            self.write_env_file()
            for child in self.children:
                child.ask_to_end()

    def pause(self, seconds: float) -> None:
        """Wait a moment. Raises Stopped if somebody asked to end."""
        time.sleep(seconds)
        if self.stopping:
            raise Stopped

    def shut_down(self) -> None:
        """End every child, those that call the stand-in before it, and our servers last."""
        callers = [child for child in self.children if child.name != "gemini"]
        for group in (callers, [child for child in self.children if child.name == "gemini"]):
            deadline = time.monotonic() + (END_SECONDS if group is callers else 1)
            for child in group:
                child.ask_to_end()
            for child in group:
                child.finish(deadline)
        stop_servers(self.plan.local_dir)
        (self.plan.local_dir / "stack.env").unlink(missing_ok=True)


def serves(port: int) -> bool:
    """Whether the web application answers and reaches its database and broker."""
    connection = http.client.HTTPConnection(processes.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((processes.LOOPBACK, port)) == 0


def stop_servers(local_dir: Path) -> None:
    valkey.stop(local_dir)
    postgres.stop(local_dir)


def take_lock(local_dir: Path) -> TextIO | None:
    """The lock of the one supervisor, or nothing if somebody has it. It ends with its process."""
    lock = (local_dir / "stack.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def is_running(local_dir: Path) -> bool:
    """Whether a supervisor holds this LOCAL_DIR."""
    if not (local_dir / "stack.lock").exists():
        return False
    lock = take_lock(local_dir)
    if lock:
        lock.close()
    return lock is None


def url_of_running(local_dir: Path) -> str:
    """The address of the stack that runs, once it serves; nothing if none runs any more."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if not is_running(local_dir):
            return ""
        url = str(json.loads(files.read(local_dir / "demo.json") or "{}").get("url", ""))
        if url and (local_dir / "stack.env").exists() and serves(int(url.rpartition(":")[2])):
            return url
        time.sleep(LOOK_SECONDS)
    raise processes.LocalError(f"The stack that runs in {local_dir} does not serve.")


def has_stand_in(local_dir: Path) -> bool:
    """Whether the stack that runs spends nothing."""
    return (local_dir / "pids" / "gemini.pid").exists()


def run(the_plan: Plan, *, follow: bool) -> None:
    """Be the supervisor until a signal comes."""
    local_dir, log = the_plan.local_dir, the_plan.local_dir / "log" / "shorts.log"
    lock = take_lock(local_dir)
    if lock is None:
        raise processes.LocalError(f"A stack already runs in {local_dir}; make stop ends it.")
    if not processes.port_is_free(the_plan.port):
        raise processes.LocalError(
            f"Port {the_plan.port} is taken; choose another one, as in: make run PORT=8010"
        )
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    console = Console(log, follow=follow)
    try:
        Stack(the_plan, console).run()
    finally:
        console.end()
        lock.close()


def stop(local_dir: Path) -> None:
    """End the stack of this LOCAL_DIR and wait for it; also what a killed one left behind."""
    lock_file = local_dir / "stack.lock"
    if not lock_file.exists():
        return
    deadline = time.monotonic() + STOP_SECONDS
    asked = False
    while (lock := take_lock(local_dir)) is None:
        pid = files.read(lock_file)
        supervisor = processes.find(int(pid), "shortsproject.local.stack") if pid else None
        if supervisor and not asked:
            supervisor.terminate()
            asked = True
        if supervisor and time.monotonic() > deadline:
            supervisor.kill()
        time.sleep(0.05)
    with lock:
        children.end_leftovers(local_dir)
        stop_servers(local_dir)
        (local_dir / "stack.env").unlink(missing_ok=True)


def clean(local_dir: Path) -> None:
    """Stop the stack and delete all its state, and that of the tests."""
    if files.REPOSITORY.is_relative_to(local_dir) or Path.home().is_relative_to(local_dir):
        raise processes.LocalError(f"LOCAL_DIR is {local_dir}, which holds more than a stack.")
    stop(local_dir)
    for folder in local_dir.glob("test/*/"):
        stop_servers(folder)
    removed = postgres.remove_shared(local_dir)
    if local_dir.exists():
        shutil.rmtree(local_dir)
        removed.append(local_dir)
    for folder in removed:
        print(f"removed {folder}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shortsproject.local.stack")
    parser.add_argument("command", choices=["run", "stop", "clean"])
    parser.add_argument("--demo", action="store_true", help="never spend; log to the file alone")
    parser.add_argument("--quiet", action="store_true", help="log to the file alone")
    chosen = parser.parse_args()
    try:
        if chosen.command == "run":
            the_plan = plan.for_demo() if chosen.demo else plan.for_run()
            run(the_plan, follow=not (chosen.demo or chosen.quiet))
        else:
            {"stop": stop, "clean": clean}[chosen.command](files.local_dir())
    except processes.LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The stack cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
