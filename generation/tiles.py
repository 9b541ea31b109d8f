"""What one tile of a list of shorts shows, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from generation import catalog, queries
from generation.models import Short, State
from generation.queries import ShortView

TONES = {
    State.SUCCEEDED: "good",
    State.FILTERED: "bad",
    State.FAILED: "bad",
    State.LOST: "bad",
    State.CANCELED: "quiet",
    State.SUBMIT_UNKNOWN: "waiting",
}
HELD = ("open", "due")
# A page looks for news after a twelfth of the time that it may have missed, within these bounds.
SOONEST, LATEST = timedelta(seconds=5), timedelta(seconds=15)
PART_OF_AGE = 12


@dataclass(frozen=True)
class Tile:
    """One short in a list. Tokens: `taken` for good, `held` for now."""

    id: UUID
    state: str | Promise
    tone: str
    final: bool
    ready: bool
    wish: str
    label: str
    seconds: int
    resolution: str
    created_at: datetime
    taken: int
    held: int
    delete_url: str = ""


def of(*, shorts: Sequence[Short], at: datetime) -> dict[str, Any]:
    """A list of tiles, and how the page that shows them looks for news, in four queries at most
    however many they are."""
    views = queries.views(shorts=shorts, at=at)
    return {"tiles": [_tile(view) for view in views], "running": _running(shorts=shorts, at=at)}


def news(*, user: User, ids: Sequence[UUID], at: datetime) -> dict[str, Any]:
    """How shorts stand now that a page shows as under way: their tiles, which of them have ended
    and which are gone, and when to ask again about the others. Somebody else's are gone, too."""
    found = queries.among(user=user, ids=ids)
    shown = of(shorts=found, at=at)
    return {
        **shown,
        "ended": [tile for tile in shown["tiles"] if tile.final],
        "gone": sorted(set(ids) - {short.pk for short in found}),
    }


def _running(*, shorts: Sequence[Short], at: datetime) -> dict[str, Any] | None:
    """Which of these to ask about, and in how many seconds; None if all have ended."""
    running = [short for short in shorts if not short.is_final]
    if not running:
        return None
    youngest = at - max(short.created_at for short in running)
    pause = min(max(youngest / PART_OF_AGE, SOONEST), LATEST)
    return {
        "query": urlencode([("id", short.pk) for short in running]),
        "seconds": round(pause.total_seconds()),
    }


def _state(view: ShortView) -> str | Promise:
    """Where a short stands, in a few words."""
    if view.queue_position is not None:
        return _("number %(place)s in line") % {"place": view.queue_position}
    return State(view.short.state).label


def _tile(view: ShortView) -> Tile:
    short, legs = view.short, view.receipt.legs
    labels = [leg.label for leg in legs if leg.api_type != catalog.ANALYSIS_API_TYPE]
    return Tile(
        id=short.pk,
        state=_state(view),
        tone=TONES.get(State(short.state), "moving"),
        final=short.is_final,
        ready=short.state == State.SUCCEEDED,
        wish=short.wish,
        label=labels[0] if labels else short.model,
        seconds=short.seconds,
        resolution=short.resolution,
        created_at=short.created_at,
        taken=view.receipt.charged_tokens - view.receipt.refunded_tokens,
        held=sum(leg.estimated_tokens for leg in legs if leg.state in HELD),
    )
