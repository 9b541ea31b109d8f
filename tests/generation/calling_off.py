"""Shorts at the places where their owners call them off."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from accounts.models import User
from generation import catalog, gates
from generation.models import Short
from metering import receipts
from shortsproject.local.gemini import StandIn
from tests.generation import driving

Result = TypeVar("Result")


def analysed(user: User, **order: object) -> Short:
    """A short whose prompt is written and whose video model wants to be left alone for an hour."""
    model = catalog.find(str(order.get("model", catalog.DEFAULT_MODEL)))
    assert model is not None
    until = timezone.now() + timedelta(hours=1)
    gates.wait(route=model.route, model=model.name, until=until)
    short = driving.step(driving.begin(user, **order))
    gates.reopen(route=model.route, model=model.name)
    return short


@contextmanager
def while_called(short: Short, stand_in: StandIn, kind: str) -> Iterator[None]:
    """What is done inside is done while a worker waits for the provider's answer."""

    def work() -> None:
        try:
            driving.step(Short.objects.get(pk=short.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as workers:
        worker = workers.submit(work)
        try:
            stand_in.wait_held(kind, 10)
            yield
        finally:
            stand_in.release(kind)
        worker.result(30)
    short.refresh_from_db()


def at_once(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each of these returned, all begun at the same instant, each with its own connection."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], Result]) -> Result:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as workers:
        return list(workers.map(begin, works))


def legs(short: Short) -> list[str]:
    """The state of each leg, in order."""
    return [leg.state for leg in receipts.receipt(job_id=short.pk).legs]


def stored(name: str) -> bool:
    """Whether a file is in the storage."""
    return bool(name) and default_storage.exists(name)
