"""Counts what a process does to the world outside of it, and ends the process where it is told.

An effect is a commit, a call of a provider, or something done to a stored file. Each has a number,
from 1, and a name: what it is, the step that is at work, the function that does it. Nothing in the
product knows of the trap: it is set from outside, in a process that is going to die of it.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

from generation.pipeline import advance
from generation.providers import clients

STEPS = {"start", *(step.__module__.rpartition(".")[2] for step in advance.STEPS.values())}
CARRIERS = {"clients", "calls"}
WRITING = ("INSERT", "UPDATE", "DELETE", "SELECT * FROM metering_")


@dataclass(frozen=True)
class Point:
    """Where to die: `before` or `after` the effect of this number, or the first of this name, or,
    if that is a call, `during` it: all of it is sent, and the answer is under way."""

    number: int
    side: str
    name: str = ""


class Trap:
    """The effects of this process so far, and the point at which it dies, if there is one."""

    def __init__(self, point: Point | None) -> None:
        self.effects: list[str] = []
        self.counting = True
        self._point = point

    @contextmanager
    def effect(self, kind: str, *, ready: Callable[[], object] = bool) -> Iterator[None]:
        """Count one. `ready` makes sure that it is over, in case the process dies after it."""
        if not self.counting:
            yield
            return
        self.effects.append(f"{kind}-{place(sys._getframe())}")
        number = len(self.effects)
        self.spring(number, "before")
        yield
        self.spring(number, "after", ready=ready)

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """What the test does for the process is no effect of the process."""
        self.counting = False
        yield
        self.counting = True

    def spring(self, number: int, side: str, *, ready: Callable[[], object] = bool) -> None:
        """Die here, if this is the point."""
        point = self._point
        if point is None or not self.counting or not number or point.side != side:
            return
        if point.number == number or point.name == self.effects[number - 1]:
            ready()
            os.kill(os.getpid(), signal.SIGKILL)


def place(frame: FrameType | None) -> str:
    """The step that is at work, and the function of the project that does it, from the stack."""
    found: list[tuple[str, str]] = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        name = frame.f_code.co_name
        if module.startswith(("generation.", "metering.")) and not name.startswith("<"):
            found.append((module.rpartition(".")[2], name))
        frame = frame.f_back
    names = [name for module, name in found if module not in CARRIERS]
    steps = [module for module, _ in found if module in STEPS]
    outside = found[-1][0] if found else "test"
    return f"{steps[0] if steps else outside}.{names[0] if names else 'test'}"


def install(trap: Trap) -> None:
    """Let the trap see everything that this process does from now on."""
    _watch_commits(trap)
    _watch_calls(trap)
    _watch_files(trap)


def _watch_commits(trap: Trap) -> None:
    commit = BaseDatabaseWrapper._commit

    def _commit(wrapper: Any) -> None:
        if wrapper.connection.info.transaction_status == TransactionStatus.IDLE:
            commit(wrapper)
            return
        with trap.effect("commit"):
            commit(wrapper)

    def alone(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """A statement outside of a transaction is committed with itself."""
        if context["connection"].in_atomic_block or not sql.startswith(WRITING):
            return execute(sql, params, many, context)
        with trap.effect("commit"):
            return execute(sql, params, many, context)

    def listen(*, connection: Any, **kwargs: object) -> None:
        connection.execute_wrappers[:] = [alone]

    BaseDatabaseWrapper._commit = _commit
    connection_created.connect(listen, weak=False)


def _watch_calls(trap: Trap) -> None:
    handle, read = clients.Transport.handle_request, clients._Stream.read

    def handle_request(transport: Any, request: Any) -> Any:
        answer: list[Any] = []
        with trap.effect("call", ready=lambda: answer[0].read()):
            answer.append(handle(transport, request))
        return answer[0]

    def first_read(stream: Any, *arguments: Any, **named: Any) -> bytes:
        trap.spring(len(trap.effects), "during")
        return read(stream, *arguments, **named)

    clients.Transport.handle_request = handle_request  # type: ignore[method-assign]  # the trap
    clients._Stream.read = first_read  # type: ignore[method-assign]  # the trap


def _watch_files(trap: Trap) -> None:
    save, delete, chunks = FileSystemStorage._save, FileSystemStorage.delete, File.chunks

    def _save(storage: Any, name: str, content: Any) -> str:
        with trap.effect("file"):
            return save(storage, name, content)

    def _delete(storage: Any, name: str) -> None:
        with trap.effect("remove"):
            delete(storage, name)

    def pieces(file: Any, chunk_size: int | None = None) -> Iterator[Any]:
        for piece in chunks(file, chunk_size):
            with trap.effect("piece"):
                yield piece

    FileSystemStorage._save = _save
    FileSystemStorage.delete = _delete
    File.chunks = pieces
