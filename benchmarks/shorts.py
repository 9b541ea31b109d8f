"""Many shorts at once through one worker: do all end, and how long after the render is ready?

One user orders them all at once. Broker and Gemini stand-in are local, and every picture is the
same, so that the stand-in encodes one clip and the machine is the worker's. A render is ready at
the provider when its time since the submit is over. Times are seconds, memory is MiB.
"""

import contextlib
import io
import logging
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import psutil

from benchmarks.place import Place
from benchmarks.report import percentile, table, verdict
from shortsproject.local import children, sample, valkey
from shortsproject.local.gemini import StandIn

SECONDS = 4
WAIT_SECONDS = 1800
LOOK_SECONDS = 1
MOST_INTERVALS = 2
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Crowd:
    """What is measured: how many shorts, how long each renders, and how many processes work on
    them; None for as many as a worker takes by itself."""

    shorts: int
    render_seconds: float
    processes: int | None = None


@dataclass
class Watch:
    """What a look at the shorts and at the worker finds, again and again."""

    worker: psutil.Process
    in_flight: int = 0
    behind: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def look(self, *, at: datetime) -> None:
        """Take the figures of this instant."""
        from generation.models import Short, State

        rendering = Short.objects.filter(state=State.RENDERING)
        due = rendering.filter(next_attempt_at__lt=at).order_by("next_attempt_at")
        oldest = due.values_list("next_attempt_at", flat=True).first()
        self.in_flight = max(self.in_flight, rendering.count())
        self.behind.append((at - oldest).total_seconds() if oldest else 0.0)
        self.memory.append(max(one.memory_info().rss for one in self._processes()) / MEBIBYTE)

    def _processes(self) -> list[psutil.Process]:
        return self.worker.children() or [self.worker]


@dataclass(frozen=True)
class Run:
    """What became of all shorts. `late` is from ready to succeeded, an interval the pause between
    two polls at the age at which a render is ready, `behind` how long the poll that waited longest
    had been due, and memory that of the largest process, at the first look, most and at the end."""

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
    in_flight: int
    behind_p95: float
    behind_most: float
    memory_first: float
    memory_most: float
    memory_last: float


@contextlib.contextmanager
def broker(place: Place) -> Iterator[None]:
    """The broker, in the environment before Django reads its settings; and room at the provider
    for all, because the worker is measured and not the budget."""
    os.environ["REDIS_URL"] = valkey.start(place.local_dir)
    os.environ["PROVIDER_RENDERS_AT_ONCE"] = os.environ["PROVIDER_SUBMITS_PER_MINUTE"] = "100000"
    try:
        yield
    finally:
        valkey.stop(place.local_dir)


def measure(place: Place, crowd: Crowd) -> Run:
    """Start one worker and the beat, order, wait until no short moves any more, and prove it."""
    # Each order would be a line between the figures.
    logging.disable(logging.INFO)
    # The stand-in counts in videos of 8 seconds.
    with StandIn(render_seconds=crowd.render_seconds * 8 / SECONDS) as stand_in:
        os.environ["GEMINI_BASE_URL"] = stand_in.url
        with _running(place, processes=crowd.processes) as watch:
            began = time.monotonic()
            _order(crowd.shorts)
            _wait(watch)
            all_done = time.monotonic() - began
        return _figures(stand_in, crowd, watch, all_done=all_done)


def show(run: Run) -> str:
    """The figures, and the target beside what was reached."""
    rows = [
        ("order to video", f"{run.order_p50:.1f}", f"{run.order_p95:.1f}", f"{run.all_done:.1f}"),
        ("ready to video", f"{run.late_p50:.1f}", f"{run.late_p95:.1f}", f"{run.late_most:.1f}"),
        ("poll that waits longest", "", f"{run.behind_p95:.1f}", f"{run.behind_most:.1f}"),
    ]
    reached = verdict(run.late_p95 / run.interval, at_most=MOST_INTERVALS)
    return "\n".join(
        [
            table(("seconds", "p50", "p95", "most"), rows),
            "",
            f"{run.succeeded} of {run.shorts} succeeded, {run.accepted_submits} submits accepted,"
            f" {run.findings} findings of verify_ledger,"
            f" {run.polls / run.shorts:.1f} polls a short, {run.in_flight} renders at once",
            f"memory of a process: {run.memory_first:.0f} MiB, at most {run.memory_most:.0f},"
            f" {run.memory_last:.0f} at the end",
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
def _running(place: Place, *, processes: int | None) -> Iterator[Watch]:
    """One worker and the beat."""
    celery = [sys.executable, "-m", "celery", "-A", "shortsproject"]
    size = [f"--concurrency={processes}"] if processes else []
    log = place.local_dir / "log" / "celery.log"
    schedule = str(place.local_dir / "beat")
    started = [
        children.spawn([*celery, "worker", *size], os.environ, log),
        children.spawn([*celery, "beat", "-s", schedule], os.environ, log),
    ]
    try:
        yield Watch(psutil.Process(started[0].pid))
    finally:
        for process in started:
            children.kill_group(process.pid)
            process.wait()


def _wait(watch: Watch) -> None:
    """Look until every short has ended and every charge is made. Raises TimeoutError."""
    from django.utils import timezone

    from generation.models import FINAL, Short
    from metering import backlog

    deadline = time.monotonic() + WAIT_SECONDS
    while Short.objects.exclude(state__in=FINAL).exists() or backlog.size():
        if time.monotonic() > deadline:
            raise TimeoutError("The shorts do not end.")
        watch.look(at=timezone.now())
        time.sleep(LOOK_SECONDS)


def _figures(stand_in: StandIn, crowd: Crowd, watch: Watch, *, all_done: float) -> Run:
    from generation import audit as generation_audit
    from generation.models import Short, State
    from generation.pipeline import poll
    from metering import audit

    shorts, render = crowd.shorts, crowd.render_seconds
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
        order_p95=percentile(whole, 0.95),
        late_p50=median(late),
        late_p95=percentile(late, 0.95),
        late_most=max(late),
        in_flight=watch.in_flight,
        behind_p95=percentile(watch.behind, 0.95),
        behind_most=max(watch.behind),
        memory_first=watch.memory[0],
        memory_most=max(watch.memory),
        memory_last=watch.memory[-1],
    )
