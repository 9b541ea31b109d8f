"""Shorts that did not become a video, or wait for something: one of each kind.

They go the real way as those of the showcase do, only that the provider, staff or the owner come
between. Imported once Django is set up.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from generation import catalog, gates, turns, unsettled
from generation.models import Short, State
from generation.pipeline import cancel, finish, resolve
from shortsproject.local import showcase
from shortsproject.local.gemini import StandIn
from shortsproject.local.showcase import FAST, FILTERED, LITE, Telling

LOST_ANSWERS = {"analyse": {"n": 2, "cut": "after"}}
LOST_SUBMIT = {"submit": {"cut": "after"}}
AWAY = {"poll": {"n": 20, "status": 503}}


def _is_overdue(short: Short) -> bool:
    return short.overdue_at is not None


STORY = (
    Telling(15, "lake", "A boat sails out of the picture", name="lost"),
    Telling(12, "dusk", "Clouds race over the water", LITE, 4, AWAY, unsettled.is_over,
            timedelta(hours=6), "unsettled"),
    Telling(5, "dawn", "Somebody famous walks in", answers={"analyse": {"outcome": "filtered"}},
            name="blocked"),
    Telling(5, "night", answers={"analyse": {"outcome": "truncated"}}, name="no-prompt"),
    Telling(4, "winter", "A snowball fight", answers=LOST_ANSWERS, name="unanswered"),
    Telling(3, "tower", "The tower begins to lean", answers={"submit": {"status": 400}},
            name="refused"),
    Telling(2, "dawn", "A storm tears everything apart", answers=FILTERED, name="filtered"),
    Telling(2, "lake", "Fish jump out of the water", answers={"submit": {"outcome": "error"}},
            name="failed"),
    Telling(1, "winter", "The ice breaks up", LITE, 4, LOST_SUBMIT, unsettled.is_unknown,
            name="rejected"),
    Telling(1, "night", "A comet crosses the sky", LITE, 4, LOST_SUBMIT, unsettled.is_unknown,
            name="unknown"),
    Telling(1, "dusk", "Rain sets in", LITE, 4, AWAY, _is_overdue, timedelta(minutes=10),
            "overdue"),
)  # fmt: skip


def tell(*, user: User, actor: User, stand_in: StandIn) -> dict[str, Short]:
    """Live through all of it as this user; `actor` is staff. Returns the shorts by name."""

    def order(wish: str, until: Callable[[Short], bool]) -> Short:
        one = Telling(0, "lake", wish, until=until)
        return showcase.live(one, user=user, stand_in=stand_in, now=timezone.now())

    shorts = showcase.tell(user=user, stand_in=stand_in, story=STORY)
    stand_in.reset()
    at = timezone.now()
    _lose(shorts["lost"])
    resolve.release(short_id=shorts["rejected"].pk, actor=actor, reason="never arrived", at=at)
    shorts["canceled"] = order("Leaves drift past", bool)
    cancel.run(short_id=shorts["canceled"].pk, at=at)
    shorts["canceling"] = order("Swans come closer", bool)
    _look_at(shorts["canceling"])
    cancel.run(short_id=shorts["canceling"].pk, at=at)
    shorts["closed"] = order("The hills turn green", _closed_before_the_render)
    shorts["in-line"] = order("The lake freezes over", _in_line)
    for short in shorts.values():
        short.refresh_from_db()
    return shorts


def _lose(short: Short) -> None:
    """As if the video had been made and charged, and could not be stored for two days."""
    Short.objects.filter(pk=short.pk).update(
        state=State.LOST,
        end_code="lost",
        video="",
        finished_at=F("rendered_at") + finish.RESULT_LIFE + finish.LONGEST_PAUSE,
    )


def _look_at(short: Short) -> None:
    """As if a worker had the picture in hand, which takes a moment too short to be met."""
    Short.objects.filter(pk=short.pk).update(state=State.ANALYZING)


def _closed_before_the_render(short: Short) -> bool:
    route = catalog.route_of(FAST)
    if not short.is_final:
        gates.close(route=route, model=FAST, reason="", at=short.created_at)
        return False
    gates.reopen(route=route, model=FAST)
    return True


def _in_line(short: Short) -> bool:
    """Behind the one that the showcase has left rendering."""
    gates.set_budgets(
        route=catalog.route_of(FAST), model=FAST, submits_per_minute=None, renders_at_once=1,
        reason="",
    )  # fmt: skip
    return turns.is_in_line(short)
