"""A process that lives one short from its order to its end, and may be killed anywhere on the way.

Forked from the server of `tests.concurrency.together`, so that one of them starts in a moment and
shares no connection with anybody; it is killed as any process is.
"""

import tempfile
import time
import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from generation.models import FINAL, Short, State
from generation.pictures import PreparedPicture
from generation.pipeline import advance, start
from metering import backlog
from tests.concurrency import together
from tests.crash import trap

KILLED = -9
LIMIT_SECONDS = 60
MOST_STEPS = 50
RENDER_SECONDS = 0.05
AT_REST = (*FINAL, State.SUBMIT_UNKNOWN)


@dataclass(frozen=True)
class Errand:
    """What a worker is told: whose short, of which picture, model and length in seconds, and where
    everything is."""

    user_id: int
    picture: PreparedPicture
    model: str
    seconds: int
    settings: dict[str, Any]
    folder: str
    database: dict[str, Any]


def database() -> dict[str, Any]:
    """How another process finds the database of the test."""
    return {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT")}


def run(
    errand: Errand, point: trap.Point | None = None, *, must_die: bool = True
) -> list[str] | None:
    """Let a new worker live. Its effects, or None if it died at the point; fails on anything else.

    Raises AssertionError for a worker that should have died and has not, unless it need not.
    """
    told, tells = together.context.Pipe(duplex=False)
    process = together.context.Process(target=_live, args=(errand, point, tells))
    process.start()
    tells.close()
    process.join(LIMIT_SECONDS)
    assert process.exitcode is not None, "the worker hangs"
    if process.exitcode == KILLED:
        assert point is not None, "somebody else has killed the worker"
        return None
    error, effects = told.recv()
    assert error is None, error
    assert point is None or not must_die, f"the worker never came to {point}, only to {effects}"
    return list(effects)


def _live(errand: Errand, point: trap.Point | None, tells: Any) -> None:
    connection.settings_dict.update(errand.database)
    for name, value in errand.settings.items():
        setattr(settings, name, value)
    tempfile.tempdir = errand.folder
    watch = trap.Trap(point)
    trap.install(watch)
    try:
        live(errand, watch)
        tells.send((None, watch.effects))
    except BaseException:
        tells.send((traceback.format_exc(), watch.effects))
    finally:
        connection.close()


def live(errand: Errand, watch: trap.Trap) -> None:
    """Order the short, unless it was ordered already, and take its steps until it rests."""
    with watch.unseen():
        user = User.objects.get(pk=errand.user_id)
    order = start.Order(
        model=errand.model,
        seconds=errand.seconds,
        idempotency_key="once",
        request_hash="the same",
    )
    short = start.repeated(user=user, order=order) or start.run(
        user=user, picture=errand.picture, order=order, at=timezone.now()
    )
    for _ in range(MOST_STEPS):
        advance.run(short_id=short.short.pk, now=timezone.now)
        backlog.charge_due(at=timezone.now())
        with watch.unseen():
            if _rests(short.short):
                return
            if short.short.state == State.RENDERING:
                time.sleep(RENDER_SECONDS)
    raise AssertionError(f"the short does not come to rest: {watch.effects}")


def _rests(short: Short) -> bool:
    """Whether there is nothing more to do; if there is, let the time pass until it is due."""
    short.refresh_from_db()
    past = timezone.now() - timedelta(seconds=1)
    Short.objects.filter(pk=short.pk).exclude(state__in=AT_REST).update(next_attempt_at=past)
    return short.state in AT_REST
