"""Many shorts at once through one worker: do all end, and how long after the render is ready?

One user orders them all before the worker starts. Broker and Gemini stand-in are local, and every
picture is the same, so that the stand-in encodes one clip and the machine is the worker's. A render
is ready at the provider when its time since the submit is over. Times are seconds.
"""

import contextlib
import io
import logging
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from benchmarks.place import Place
from benchmarks.report import percentile, table, verdict
from shortsproject.local import children, sample, valkey
from shortsproject.local.gemini import StandIn

SECONDS = 4
WAIT_SECONDS = 900
MOST_INTERVALS = 2


@dataclass(frozen=True)
class Run:
    """What became of all shorts. Times in seconds; `late` is from ready to succeeded, and an
    interval is the pause between two polls at the age at which a render is ready."""

    shorts: int
    succeeded: int
    findings: int
    accepted_submits: int
    polls: int
    render: float
    interval: float
    all_done: float
    order_p50: float
    order_p95: float
    late_p50: float
    late_p95: float
    late_most: float


@contextlib.contextmanager
def provider(place: Place, *, render_seconds: float) -> Iterator[StandIn]:
    """Broker and stand-in, in the environment before Django reads its settings."""
    # The stand-in counts in videos of 8 seconds.
    with StandIn(render_seconds=render_seconds * 8 / SECONDS) as stand_in:
        os.environ["REDIS_URL"] = valkey.start(place.local_dir)
        os.environ["GEMINI_BASE_URL"] = stand_in.url
        try:
            yield stand_in
        finally:
            valkey.stop(place.local_dir)


def measure(place: Place, stand_in: StandIn, *, shorts: int, render_seconds: float) -> Run:
    """Order them, start one worker and the beat, wait until none moves any more, and prove it."""
    # Each order would be a line between the figures.
    logging.disable(logging.INFO)
    _order(1)
    with _running(place):
        _wait()
        stand_in.reset()
        _order(shorts)
        began = time.monotonic()
        _wait()
        all_done = time.monotonic() - began
    return _figures(stand_in, shorts=shorts, render=render_seconds, all_done=all_done)


def show(run: Run) -> str:
    """The figures, and the target beside what was reached."""
    rows = [
        ("order to video", f"{run.order_p50:.1f}", f"{run.order_p95:.1f}", f"{run.all_done:.1f}"),
        ("ready to video", f"{run.late_p50:.1f}", f"{run.late_p95:.1f}", f"{run.late_most:.1f}"),
    ]
    reached = verdict(run.late_p95 / run.interval, at_most=MOST_INTERVALS)
    return "\n".join(
        [
            table(("seconds", "p50", "p95", "most"), rows),
            "",
            f"{run.succeeded} of {run.shorts} succeeded, {run.accepted_submits} submits accepted,"
            f" {run.findings} findings of verify_ledger,"
            f" {run.polls / run.shorts:.1f} polls a short",
            f"ready to video, p95, in intervals of {run.interval:.1f} s: {reached}",
        ]
    )


def to_json(run: Run) -> dict[str, Any]:
    """All figures, rounded to what can be told apart."""
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in asdict(run).items()
    }


def _order(number: int) -> None:
    from django.utils import timezone

    from accounts.models import User
    from generation import pictures
    from generation.pipeline import start

    user = User.objects.earliest("pk")
    prepared = pictures.prepare(upload=io.BytesIO(sample.picture()))
    for _ in range(number):
        order = start.Order(seconds=SECONDS)
        start.run(user=user, picture=prepared, order=order, at=timezone.now())


@contextlib.contextmanager
def _running(place: Place) -> Iterator[None]:
    """One worker with as many processes as it takes by itself, and the beat."""
    celery = [sys.executable, "-m", "celery", "-A", "shortsproject"]
    log = place.local_dir / "log" / "celery.log"
    schedule = str(place.local_dir / "beat")
    started = [
        children.spawn([*celery, "worker"], os.environ, log),
        children.spawn([*celery, "beat", "-s", schedule], os.environ, log),
    ]
    try:
        yield
    finally:
        for process in started:
            children.kill_group(process.pid)
            process.wait()


def _wait() -> None:
    """Until every short has ended and every charge is made. Raises TimeoutError."""
    from generation.models import FINAL, Short
    from metering import backlog

    deadline = time.monotonic() + WAIT_SECONDS
    while Short.objects.exclude(state__in=FINAL).exists() or backlog.size():
        if time.monotonic() > deadline:
            raise TimeoutError("The shorts do not end.")
        time.sleep(0.5)


def _figures(stand_in: StandIn, *, shorts: int, render: float, all_done: float) -> Run:
    from generation import audit as generation_audit
    from generation.models import Short, State
    from generation.pipeline import poll
    from metering import audit

    done = list(Short.objects.filter(state=State.SUCCEEDED).order_by("-created_at")[:shorts])
    times = [
        (short.created_at, short.submitted_at, short.finished_at)
        for short in done
        if short.submitted_at and short.finished_at
    ]
    whole = [(end - order).total_seconds() for order, _, end in times]
    late = [(end - sent).total_seconds() - render for _, sent, end in times]
    counts = stand_in.counts()
    return Run(
        shorts=shorts,
        succeeded=len(done),
        findings=len(audit.run(extra=generation_audit.INVARIANTS)),
        accepted_submits=counts["accepted_submits"],
        polls=counts["calls"].get("poll", 0),
        render=render,
        interval=poll.pause(age=timedelta(seconds=render)).total_seconds(),
        all_done=all_done,
        order_p50=median(whole),
        order_p95=percentile(whole, 0.95) / 1000,
        late_p50=median(late),
        late_p95=percentile(late, 0.95) / 1000,
        late_most=max(late),
    )
