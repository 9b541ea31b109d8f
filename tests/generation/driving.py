"""Drive a short through the pipeline as the workers would, without waiting for the beat."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.db import connections
from django.utils import timezone

from accounts.models import User
from generation import pictures
from generation.models import FINAL, Short
from generation.pipeline import advance, bell, recording, start
from tests.pictures import jpeg

PAUSE_SECONDS = 0.05


def begin(user: User, *, picture: bytes | None = None, **order: Any) -> Short:
    """A short that has just been ordered; small pictures unless one is given."""
    prepared = pictures.prepare(upload=BytesIO(picture or jpeg(width=160, height=90)))
    order.setdefault("seconds", 4)
    at = timezone.now()
    return start.run(user=user, picture=prepared, order=start.Order(**order), at=at).short


def step(short: Short) -> Short:
    """Take the steps that are due now, as one task would, and read the short again."""
    advance.run(short_id=short.pk, now=timezone.now)
    short.refresh_from_db()
    return short


def hurry(short: Short) -> Short:
    """Make the next step due at once, then take it."""
    Short.objects.filter(pk=short.pk).update(next_attempt_at=timezone.now())
    return step(short)


def until(short: Short, *states: str, most_seconds: float = 30) -> Short:
    """Take steps until the short is in one of these states."""
    deadline = time.monotonic() + most_seconds
    short = step(short)
    while short.state not in states:
        assert time.monotonic() < deadline, f"{short.state}: {short.end_code} {short.end_detail}"
        time.sleep(PAUSE_SECONDS)
        short = hurry(short)
    return short


@contextmanager
def in_background() -> Iterator[None]:
    """Drive whatever is under way, as workers and beat would, while a browser looks on."""
    stopped = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        driven = pool.submit(_drive_until, stopped)
        try:
            yield
        finally:
            stopped.set()
            driven.result()


def _drive_until(stopped: threading.Event) -> None:
    try:
        while not stopped.wait(PAUSE_SECONDS):
            for short in Short.objects.exclude(state__in=FINAL):
                hurry(short)
    finally:
        connections.close_all()


def expire_lease(short: Short) -> None:
    """As if the worker had died long ago."""
    Short.objects.filter(pk=short.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def ring_often(short: Short, *, times: int) -> None:
    """Send the same message again and again."""
    for _ in range(times):
        bell.ring_now(short_id=short.pk)


def release(short: Short) -> None:
    """Give back what a short that was moved by hand still holds."""
    recording.release_all(short=short, reason="test", at=timezone.now())
