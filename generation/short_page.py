"""Everything that the page of one short shows, as plain values and in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from generation import catalog, endings, estimates, live, receipt_words, stages
from generation.endings import Ending
from generation.models import Short, State
from generation.queries import ShortView
from metering import receipts

CANCELABLE = (State.QUEUED, State.ANALYZING, State.ANALYZED)
# While a short is so young, the page asks again after so many seconds; then every LATEST_SECONDS.
POLLS = (
    (timedelta(seconds=30), 2),
    (timedelta(minutes=2), 3),
    (timedelta(minutes=5), 5),
)
LATEST_SECONDS = 10
# Without JavaScript the whole page comes anew, less often where nothing will happen soon.
REFRESH_SECONDS, REFRESH_WAITING_SECONDS = 3, 30
WORTH_SAYING = timedelta(seconds=5)
UNCERTAIN = ("submit_unknown", "render_unsettled")
FILE_WORDS = 40

ACTS: Mapping[str, Promise] = {
    endings.AGAIN: _("Make again"),
    endings.OTHER_WORDS: _("Try other words"),
    endings.OTHER_PICTURE: _("Take another picture"),
    endings.OTHER_MODEL: _("Choose another model"),
    endings.NEW_VIDEO: _("Start another video"),
    endings.CANCEL: _("Cancel this video"),
}


def page(*, view: ShortView, at: datetime) -> dict[str, Any]:
    """The whole page of a short, in three queries at most."""
    short, ending = view.short, _ending(view)
    since = receipts.prices_since(receipt=view.receipt)
    receipt = receipt_words.of(receipt=view.receipt, since=since, seconds=short.seconds)
    estimate = None if short.is_final else _estimate(short)
    labels = [leg.label for leg in view.receipt.legs if leg.api_type != catalog.ANALYSIS_API_TYPE]
    return {
        "short": short,
        "state": State(short.state).label,
        "heading": _heading(view),
        "ready": short.state == State.SUCCEEDED and bool(short.video),
        "final": short.is_final,
        "refresh": None if short.is_final else _refresh(view=view, age=at - short.created_at),
        "stages": stages.of(short=short, estimate=estimate, at=at),
        "stage": stages.number_of(short) + 1,
        "stages_in_all": len(stages.STAGES),
        "ending": ending,
        "ending_tone": _tone(view),
        "acts": acts(ending, short=short) if ending else [],
        "place": view.queue_position,
        "goes_on_at": "" if view.paused else _goes_on_at(view=view, at=at),
        "label": labels[0] if labels else short.model,
        "wide": short.aspect_ratio == "16:9",
        "file_name": file_name(short),
        "filter_said": short.end_detail if short.state == State.FILTERED else "",
        "own_words_used": short.video_prompt == short.wish != "",
        "receipt": receipt,
        "cancelable": short.state in CANCELABLE and short.cancel_requested_at is None,
    }


def shown(*, page: dict[str, Any], at: datetime, seen: str | None = None) -> dict[str, Any]:
    """A page with its parts, those that differ from what a browser has `seen` apart, and how the
    browser is to ask for more: not at all once nothing will change by itself."""
    short, parts = page["short"], live.parts(page)
    ended = short.is_final and page["receipt"]["settled"]
    where = f"{reverse('short_progress', args=[short.pk])}?"
    return {
        **page,
        "parts": {part.name: part for part in parts},
        "changed": live.changed(parts, seen=seen or ""),
        "poll": None if ended else where + urlencode({"seen": live.marks(parts)}),
        "poll_seconds": _poll_seconds(age=at - short.created_at),
        "now": at,
    }


def farewell(*, short: Short) -> dict[str, Any]:
    """The page that asks before a short is deleted."""
    return {
        "short": short,
        "ends_now": short.state in CANCELABLE,
        "runs_on": not short.is_final and short.state not in CANCELABLE,
    }


def farewells(*, shorts: list[Short]) -> dict[str, Any]:
    """The page that asks before several shorts are deleted."""
    each = [farewell(short=short) for short in shorts]
    return {
        "shorts": shorts,
        "ends_now": any(one["ends_now"] for one in each),
        "runs_on": any(one["runs_on"] for one in each),
    }


def acts(ending: Ending, *, short: Short) -> list[dict[str, Any]]:
    """What can be done at once about an ending, and where that leads; no address: the form that
    cancels."""
    again = f"{reverse('studio')}?again={short.pk}"
    urls = {
        endings.AGAIN: again,
        endings.OTHER_WORDS: f"{again}#id_prompt",
        endings.OTHER_MODEL: again,
        endings.OTHER_PICTURE: reverse("studio"),
        endings.NEW_VIDEO: reverse("studio"),
    }
    return [{"name": act, "label": ACTS[act], "url": urls.get(act)} for act in ending.acts]


def file_name(short: Short) -> str:
    """What a downloaded video is called: the wish, and the local time of the order."""
    words = slugify(short.wish, allow_unicode=True)[:FILE_WORDS].strip("-_") or "short"
    return f"{words}-{timezone.localtime(short.created_at):%Y-%m-%d-%H%M}.mp4"


def _estimate(short: Short) -> estimates.Estimate | None:
    return estimates.of_render(
        model=short.model, seconds=short.seconds, resolution=short.resolution
    )


def _heading(view: ShortView) -> Promise:
    if view.waiting_code in UNCERTAIN:
        return _("It is not certain yet whether there is a video")
    if view.waiting_code == "cancel_requested":
        return _("Your video is being canceled")
    if not view.short.is_final:
        return _("Your video is being made")
    return (
        _("Your video is ready") if view.short.state == State.SUCCEEDED else _("There is no video")
    )


def _ending(view: ShortView) -> Ending | None:
    """How it ended other than well, or what it waits for."""
    code = view.error_code or view.waiting_code
    if code:
        return endings.MESSAGES[code]
    return endings.CANCELED if view.short.state == State.CANCELED else None


def _tone(view: ShortView) -> str:
    if view.error_code:
        return "error"
    return "waiting" if view.waiting_code else "quiet"


def _poll_seconds(*, age: timedelta) -> int:
    return next((seconds for limit, seconds in POLLS if age < limit), LATEST_SECONDS)


def _refresh(*, view: ShortView, age: timedelta) -> int:
    soon = view.waiting_code in ("", "cancel_requested")
    return max(REFRESH_SECONDS, _poll_seconds(age=age)) if soon else REFRESH_WAITING_SECONDS


def _goes_on_at(*, view: ShortView, at: datetime) -> str:
    """When a short that has to wait before its next paid step goes on, in the reader's local time;
    empty if that takes no while."""
    short = view.short
    until = view.place.not_before if view.place else short.next_attempt_at
    waits = short.state in (State.QUEUED, State.ANALYZED) and short.lease_until is None
    if not waits or until is None or until - at <= WORTH_SAYING:
        return ""
    local = timezone.localtime(until)
    if local.date() == timezone.localdate(at):
        return formats.date_format(local, "H:i:s")
    return f"{formats.date_format(local, 'DATE_FORMAT')}, {formats.date_format(local, 'H:i')}"
