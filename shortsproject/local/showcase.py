"""A person's account as it looks after some days: videos, one under way, one that did not work.

The shorts go the real way, through the pipeline against the stand-in, only with a clock of their
own, so that they lie some days apart. Days of an earlier month are left out: the pages show the
period that runs. Imported once Django is set up.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone
from PIL import Image, ImageEnhance, ImageOps

from accounts.models import User
from generation import pictures
from generation.models import Short, State
from generation.pipeline import advance, start
from metering import staff
from shortsproject.local import sample
from shortsproject.local.gemini import StandIn

LIMIT_TOKENS = 25_000
MOST_SECONDS = 60
STEP = timedelta(seconds=7)
LITE, FAST, STANDARD = (
    "veo-3.1-lite-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-generate-001",
)  # fmt: skip
FILTERED = {"submit": {"outcome": "filtered"}}


def is_rendering(short: Short) -> bool:
    return short.state == State.RENDERING


@dataclass(frozen=True)
class Telling:
    """One short: how many days ago, of which picture, and how the provider was to answer.

    It is followed `until` that holds of it; the clock goes on by STEP at each look, and by `pace`
    while it is rendered.
    """

    days_ago: float
    picture: str
    wish: str = ""
    model: str = FAST
    seconds: int = 8
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    until: Callable[[Short], bool] = lambda short: short.is_final
    pace: timedelta = STEP
    name: str = ""


STORY = (
    Telling(9, "lake", "The sun goes down behind the hills"),
    Telling(8, "dawn", "Mist rises from the water", model=LITE, seconds=4),
    Telling(6, "night", "Stars come out one by one", model=STANDARD, seconds=4),
    Telling(5, "tower", "A slow tilt up to the sky", seconds=6),
    Telling(3, "dusk", "The camera glides over the water", model=LITE),
    Telling(2, "dawn", "A storm tears everything apart", answers=FILTERED),
    Telling(1.1, "winter", "First snow, very quiet", model=LITE, seconds=6),
    Telling(1, "tower", "Birds pass high above", seconds=4, name="tall"),
    Telling(0.1, "lake", "A slow pan over the hills at sunset", name="ready"),
    Telling(0, "dusk", "Ripples run towards us", until=is_rendering, name="rendering"),
)


def picture(kind: str) -> bytes:
    """One of a handful of pictures, the same at every call, as a JPEG."""
    lake = Image.open(io.BytesIO(sample.picture()))
    gray = ImageOps.grayscale(lake)
    makers: dict[str, Callable[[], Image.Image]] = {
        "lake": lambda: lake,
        "dawn": lambda: ImageOps.mirror(ImageOps.colorize(gray, "#3d2b56", "#ffe3cf")),
        "dusk": lambda: ImageEnhance.Color(lake.crop((320, 120, 1280, 660))).enhance(0.6),
        "night": lambda: ImageEnhance.Brightness(ImageEnhance.Color(lake).enhance(0.4)).enhance(
            0.45
        ),
        "tower": lambda: lake.crop((660, 0, 1065, 720)),
        "winter": lambda: ImageOps.colorize(gray, "#1b2a41", "#f4f7fb"),
    }
    output = io.BytesIO()
    makers[kind]().save(output, "JPEG", quality=90)
    return output.getvalue()


def tell(
    *,
    user: User,
    stand_in: StandIn,
    story: Sequence[Telling],
    limit_tokens: int = LIMIT_TOKENS,
) -> dict[str, Short]:
    """Live through a story as this user. Returns the shorts that have names."""
    now = timezone.now()
    before = _began(story[0], now=now) - timedelta(minutes=1)
    staff.set_limit(user=user, tokens=limit_tokens, actor=None, reason="pilot project", at=before)
    shorts = {one.name: live(one, user=user, stand_in=stand_in, now=now) for one in story}
    return {name: short for name, short in shorts.items() if name}


def of_this_month(story: Sequence[Telling]) -> list[Telling]:
    """What of a story happened in the period that runs, and whatever has a name."""
    today = timezone.localdate()
    return [one for one in story if one.days_ago < today.day or one.name]


def live(one: Telling, *, user: User, stand_in: StandIn, now: datetime) -> Short:
    """Order a short as this user, and follow it. Raises TimeoutError."""
    began = _began(one, now=now)
    for kind, answer in one.answers.items():
        stand_in.next(kind, **answer)
    prepared = pictures.prepare(upload=io.BytesIO(picture(one.picture)))
    order = start.Order(wish=one.wish, model=one.model, seconds=one.seconds)
    short = start.run(user=user, picture=prepared, order=order, at=began).short
    ticks = _ticks(began, pace=STEP)
    if one.pace != STEP:
        _drive(short, ticks=ticks, until=is_rendering)
        ticks = _ticks(next(ticks), pace=one.pace)
    _drive(short, ticks=ticks, until=one.until)
    return short


def _began(one: Telling, *, now: datetime) -> datetime:
    """Seven minutes ago at the least, so that nothing happens in the future."""
    return now - timedelta(days=one.days_ago, minutes=7)


def _drive(short: Short, *, ticks: Iterator[datetime], until: Callable[[Short], bool]) -> None:
    """Take the steps of a short by a clock of its own. Raises TimeoutError."""
    deadline = time.monotonic() + MOST_SECONDS
    while not until(short):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The short stays {short.state}.")
        Short.objects.filter(pk=short.pk).update(next_attempt_at=next(ticks))
        advance.run(short_id=short.pk, now=lambda: next(ticks))
        short.refresh_from_db()
        time.sleep(0.05)


def _ticks(began: datetime, *, pace: timedelta) -> Iterator[datetime]:
    """A clock that goes on whenever somebody looks at it, until it has caught up with ours."""
    return (min(began + pace * number, timezone.now()) for number in count(1))
