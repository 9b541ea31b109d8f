"""The crash matrix: every point of a short's life, what a kill there may leave, and the proof.

Its cells come from a life that nobody kills, so a step that is added to the pipeline is in it at
once. A cell is written as route, ending, number and name of the effect, side, and how often it is
killed.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from generation import audit as generation_audit
from generation import catalog, pictures
from generation.models import Short, State
from generation.pipeline import analyse, orphans
from metering import audit, queries, receipts
from shortsproject.local.gemini import StandIn
from tests import processes
from tests.crash import worker
from tests.crash.trap import Point
from tests.pictures import jpeg

# How each route says that a render is under way.
RUNNING: dict[str, dict[str, Any]] = {
    "enterprise": {"name": "{operation_name}"},
    "developer": {"id": "{operation_name}", "object": "interaction", "status": "in_progress"},
}
EVERY_PAIR = bool(os.environ.get("SOAK_CRASHES"))
ANALYSIS_CLAIMED = "commit-analyse.paid"


# The first model of each route, and the ends that its renders come to.
MODELS = {model.route: model for model in reversed(catalog.MODELS)}
ENDINGS = {"video": State.SUCCEEDED, "filtered": State.FILTERED}
LIVES = [(route, ending) for route in MODELS for ending in ENDINGS]


@dataclass(frozen=True)
class Death:
    """A worker that was killed. `effects`: those it came to; `left`: the state of the short."""

    effects: list[str]
    point: Point
    left: str

    @property
    def done(self) -> list[str]:
        """What it had done; a call that was sent is done."""
        return self.effects if self.point.side != "before" else self.effects[:-1]


class Bench:
    """Runs workers for one kind of life, each cell with a user and a short of its own."""

    def __init__(
        self,
        *,
        stand_in: StandIn,
        make_user: Callable[..., User],
        folder: Path,
        route: str,
        ending: str,
    ) -> None:
        self._route, self._ending = route, ending
        self._stand_in = stand_in
        self._make_user = make_user
        self._made = 0
        (folder / "temporary").mkdir()
        self._media, self._temporary = folder / "media", folder / "temporary"
        self._errand = worker.Errand(
            user_id=0,
            picture=pictures.prepare(upload=BytesIO(jpeg(width=160, height=90))),
            model=MODELS[route].name,
            seconds=MODELS[route].seconds[0],
            settings={"MEDIA_ROOT": str(self._media)} | _provider_settings(),
            folder=str(self._temporary),
            database=worker.database(),
        )
        self.life: list[str] = []
        # The stand-in makes the clip once, which takes it a while; then every life is the same.
        self.run()
        self.life = self.run()

    def points(self, side: str) -> Iterator[tuple[str, Point]]:
        """Every point of the life on this side, with its name. Lives are the same up to the submit,
        so that another ending than a video has no points before it."""
        first = 1 if self._ending == "video" else self.life.index("call-submit.submit") + 1
        yield from (one for one in _points(self.life, side) if one[1].number >= first)

    def second(self, rest: list[str], first: Point) -> list[tuple[str, Point]]:
        """Where the worker after the first death dies: where that did if it comes there, else at
        its first effect on that side. Every point of its own life in the long form."""
        every = list(_points(rest, first.side))
        again = [one for one in every if rest[one[1].number - 1] == self.life[first.number - 1]]
        return every if EVERY_PAIR else (again or every)[:1]

    def run(self, *points: Point, rest: list[str] | None = None) -> list[str]:
        """One cell: a worker is killed at each point, the next one finishes, and all is proved.

        `rest`: what a second worker does if nobody kills it. Returns what the last one did.
        """
        self._made += 1
        user = self._make_user(f"user{self._made}")
        self._stand_in.reset()
        shutil.rmtree(self._media, ignore_errors=True)
        if self._ending != "video":
            self._stand_in.next("submit", outcome=self._ending)
        # A render takes longer than one question.
        self._stand_in.next("poll", body=RUNNING[self._route])
        errand = replace(self._errand, user_id=user.pk)
        lives = [self.life if points else [], rest or []]
        deaths = [
            self._kill(errand, point, life[: point.number])
            for point, life in zip(points, lives, strict=False)
        ]
        finished = worker.run(errand)
        self._prove(user, deaths)
        return finished or []

    def insist(self, point: Point, *, times: int) -> tuple[Short, int]:
        """Workers die one after the other at this point of one short, as long as it comes there;
        then a free one finishes. Returns the short, and how many have died."""
        self._made += 1
        user = self._make_user(f"user{self._made}")
        self._stand_in.reset()
        shutil.rmtree(self._media, ignore_errors=True)
        errand = replace(self._errand, user_id=user.pk)
        died = 0
        while died < times and worker.run(errand, point, must_die=False) is None:
            died += 1
            _let_leases_run_out(user.pk)
        worker.run(errand)
        short = Short.objects.get(user=user)
        assert audit.run(extra=generation_audit.INVARIANTS) == []
        self._prove_files(short)
        self._prove_money(short)
        return short, died

    def _kill(self, errand: worker.Errand, point: Point, effects: list[str]) -> Death:
        before = sum(self._calls().values())
        assert worker.run(errand, point) is None
        short = Short.objects.filter(user_id=errand.user_id).first()
        death = Death(effects, point, short.state if short else "")
        # A call that was under way may reach the provider after its caller's death.
        sent = before + sum(effect.startswith("call-") for effect in death.done)
        processes.wait_for(lambda: sum(self._calls().values()) == sent, what="the last call")
        _let_leases_run_out(errand.user_id)
        return death

    def _calls(self) -> dict[str, int]:
        calls: dict[str, int] = self._stand_in.counts()["calls"]
        return calls

    def _prove(self, user: User, deaths: list[Death]) -> None:
        """Nothing lost, nothing twice, nothing submitted that is not accounted for."""
        short = Short.objects.get(user=user)
        expected = _expected(deaths) or ENDINGS[self._ending]
        assert short.state == expected, f"{short.end_code}: {short.end_detail}"
        self._prove_money(short)
        sent = self._calls().get("submit", 0)
        accepted = self._stand_in.counts()["accepted_submits"]
        never_sent = short.state == State.SUBMIT_UNKNOWN and not any(
            effect.startswith("call-submit.") for death in deaths for effect in death.done
        )
        assert sent == accepted == (short.state != State.FAILED) - never_sent
        assert audit.run(extra=generation_audit.INVARIANTS) == []
        self._prove_files(short)

    def _prove_money(self, short: Short) -> None:
        legs = {leg.api_type: leg.state for leg in receipts.receipt(job_id=short.pk).legs}
        analysis, video = legs.values()
        balance = queries.balance(user=short.user, at=timezone.now())
        assert (analysis, video) == {
            State.SUCCEEDED: ("captured", "captured"),
            State.FILTERED: ("captured", "released"),
            State.SUBMIT_UNKNOWN: ("captured", "open"),
            State.FAILED: ("released", "released"),
        }[State(short.state)]
        assert balance.in_flight == 0
        assert bool(balance.held_tokens) == (short.state == State.SUBMIT_UNKNOWN)

    def _prove_files(self, short: Short) -> None:
        """The daily search for orphans is enough: no row's file is gone, and nothing else stays."""
        orphans.remove(at=timezone.now() + 2 * orphans.LEAST_AGE)
        referred = {name for name in (short.picture, short.video) if name}
        stored = {str(path.relative_to(self._media)) for path in _files(self._media)}
        assert stored == referred
        assert bool(short.video) == (short.state == State.SUCCEEDED)
        size = (self._media / short.video).stat().st_size if short.video else None
        assert size == short.video_bytes
        assert _files(self._temporary) == []


def _provider_settings() -> dict[str, Any]:
    """How the test has told this process to reach Gemini."""
    return {name: getattr(settings, name) for name in dir(settings) if name.startswith("GEMINI_")}


def _points(life: list[str], side: str) -> Iterator[tuple[str, Point]]:
    for number, effect in enumerate(life, start=1):
        if side != "during" or effect.startswith("call-"):
            yield f"{number:02}-{effect}-{side}", Point(number, side)


def _expected(deaths: list[Death]) -> State | None:
    """The state that the short must end in because of the deaths; None if they change nothing.

    A death between the claim of the submit and its record is unknown for good; an analysis is
    asked for twice at most.
    """
    left = [death.left for death in deaths]
    if State.SUBMITTING in left or State.SUBMIT_UNKNOWN in left:
        return State.SUBMIT_UNKNOWN
    asked = [d for d in deaths if d.left == State.ANALYZING and ANALYSIS_CLAIMED in d.done]
    return State.FAILED if len(asked) >= analyse.MOST_UNCLEAR_ANSWERS else None


def _let_leases_run_out(user_id: int) -> None:
    """Let the minutes pass that a dead worker's lease costs."""
    past = timezone.now() - timedelta(seconds=1)
    moving = Short.objects.filter(user_id=user_id).exclude(state__in=worker.AT_REST)
    moving.update(rung_at=None, lease_until=past, next_attempt_at=past)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
