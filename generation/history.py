"""The history: a user's shorts page by page, of one group and of some days, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation import queries, tiles
from generation.models import FINAL, Short, State
from generation.queries import Wanted

PAGE = 24
ALL = ""
GROUPS: Mapping[str, tuple[Promise, tuple[str, ...]]] = {
    ALL: (_("All"), ()),
    "under-way": (_("Under way"), tuple(state for state in State if state not in FINAL)),
    "ready": (_("Ready"), (State.SUCCEEDED,)),
    "without-video": (
        _("Without video"),
        tuple(state for state in FINAL if state != State.SUCCEEDED),
    ),
}


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a group, the first and the last day, and the short that the page
    lies below or above."""

    show: str = ALL
    since: date | None = None
    until: date | None = None
    before: UUID | None = None
    after: UUID | None = None


@dataclass(frozen=True)
class Part:
    """One page of the list, and whether there is more on either side of it."""

    shorts: Sequence[Short]
    newer: bool
    older: bool


def page(*, user: User, asked: Asked, zone: tzinfo, at: datetime) -> dict[str, Any]:
    """All that the page shows, in six queries at most. Days are local days of `zone`."""
    part = _part(user=user, asked=asked, zone=zone)
    first = replace(asked, before=None, after=None)
    shown, place = tiles.of(shorts=part.shorts, at=at), _address(asked)
    return {
        **shown,
        "tiles": _with_delete(shown["tiles"], place=place),
        "place": place,
        "groups": [
            {"label": label, "url": _address(replace(first, show=name)), "on": name == asked.show}
            for name, (label, _states) in GROUPS.items()
        ],
        "show": asked.show,
        "narrowed": first != Asked(),
        "all_days": _address(Asked(asked.show)) if asked.since or asked.until else "",
        "newest": _address(first) if part.newer else "",
        "newer": _address(replace(first, after=part.shorts[0].pk)) if part.newer else "",
        "older": _address(replace(first, before=part.shorts[-1].pk)) if part.older else "",
    }


def _part(*, user: User, asked: Asked, zone: tzinfo) -> Part:
    """The page that is asked for. One that has become too short, because shorts were deleted or
    have moved on, is the first or the last instead."""
    wanted = Wanted(GROUPS[asked.show][1], asked.since, asked.until, zone)
    if asked.after is not None:
        above = queries.listed(user=user, wanted=wanted, after=asked.after, most=PAGE + 1)
        if len(above) > PAGE:
            return Part(above[1:], newer=True, older=True)
    if asked.before is not None:
        below = queries.listed(user=user, wanted=wanted, before=asked.before, most=PAGE + 1)
        if below:
            return Part(below[:PAGE], newer=True, older=len(below) > PAGE)
        last = UUID(int=max(asked.before.int - 1, 0))
        above = queries.listed(user=user, wanted=wanted, after=last, most=PAGE + 1)
        return Part(above[-PAGE:], newer=len(above) > PAGE, older=False)
    newest = queries.listed(user=user, wanted=wanted, most=PAGE + 1)
    return Part(newest[:PAGE], newer=False, older=len(newest) > PAGE)


def _with_delete(shown: Sequence[tiles.Tile], *, place: str) -> list[tiles.Tile]:
    """The tiles, each with the address that asks whether to delete it and then leads back to the
    one beside it."""
    beside = [*shown[1:], *shown[-2:-1], None]
    return [
        replace(tile, delete_url=_question(tile, back=f"{place}#tile-{near.id}" if near else place))
        for tile, near in zip(shown, beside, strict=False)
    ]


def _question(tile: tiles.Tile, *, back: str) -> str:
    """The address that asks whether to delete a short, and knows where to go on."""
    return f"{reverse('short_delete', args=[tile.id])}?{urlencode({'next': back})}"


def _address(asked: Asked) -> str:
    """The address of the page that shows this."""
    given = {
        "show": asked.show,
        "since": asked.since,
        "until": asked.until,
        "before": asked.before,
        "after": asked.after,
    }
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{reverse('history')}?{query}" if query else reverse("history")
