"""Everything that the page of one short shows, as plain values and in words."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generation import catalog
from generation.models import Short, State
from generation.queries import ShortView
from metering import rates
from metering.receipts import Receipt, ReceiptLeg

STAGES: tuple[tuple[tuple[str, ...], Promise], ...] = (
    ((State.QUEUED,), gettext_lazy("The picture is in and waits for its turn")),
    ((State.ANALYZING,), gettext_lazy("Gemini looks at the picture and writes the video prompt")),
    (
        (State.ANALYZED, State.SUBMITTING, State.SUBMIT_UNKNOWN),
        gettext_lazy("Picture and prompt are handed to the video model"),
    ),
    ((State.RENDERING,), gettext_lazy("The video is rendered")),
    ((State.RENDERED,), gettext_lazy("The video is fetched and checked")),
    ((State.SUCCEEDED,), gettext_lazy("The video is ready")),
)
HANDED_OVER, RENDERED, FETCHED = 2, 3, 4
CANCELABLE = (State.QUEUED, State.ANALYZING, State.ANALYZED)
REFRESH_SECONDS, REFRESH_WAITING_SECONDS = 3, 30
WORTH_SAYING = timedelta(seconds=5)

LEGS = {
    catalog.ANALYSIS_API_TYPE: gettext_lazy("Picture analysis"),
    catalog.VEO_API_TYPE: gettext_lazy("Video"),
    catalog.OMNI_API_TYPE: gettext_lazy("Video"),
}
LEG_STATES = {
    "open": gettext_lazy("held"),
    "due": gettext_lazy("being charged"),
    "captured": gettext_lazy("charged"),
    "released": gettext_lazy("given back"),
    "written_off": gettext_lazy("written off"),
    "reused": gettext_lazy("taken over from an earlier video, at no charge"),
}
BASES = {
    "reported": gettext_lazy("as reported by the provider"),
    "derived": gettext_lazy("the sum of the parts, because the reported total was missing"),
    "estimated": gettext_lazy("the estimate, because nothing was reported"),
}


def page(*, view: ShortView, at: datetime) -> dict[str, Any]:
    """The whole page of a short."""
    short = view.short
    stage = stage_of(short)
    labels = [leg.label for leg in view.receipt.legs if leg.api_type != catalog.ANALYSIS_API_TYPE]
    return {
        "short": short,
        "state": State(short.state).label,
        "ready": short.state == State.SUCCEEDED and bool(short.video),
        "final": short.is_final,
        "refresh": None if short.is_final else _refresh(view),
        "stages": _stages(short=short, stage=stage),
        "stage": stage + 1,
        "percent": view.percent,
        "message": view.error_message,
        "waiting": view.waiting_message,
        "goes_on_at": None if view.paused else _goes_on_at(short=short, at=at),
        "label": labels[0] if labels else short.model,
        "wide": short.aspect_ratio == "16:9",
        "receipt": _receipt(view.receipt),
        "cancelable": short.state in CANCELABLE and short.cancel_requested_at is None,
    }


def farewell(*, short: Short) -> dict[str, Any]:
    """The page that asks before a short is deleted."""
    return {
        "short": short,
        "ends_now": short.state in CANCELABLE,
        "runs_on": not short.is_final and short.state not in CANCELABLE,
    }


def stage_of(short: Short) -> int:
    """Which stage a short is at, or was at when it ended; counted from 0."""
    for number, (states, _label) in enumerate(STAGES):
        if short.state in states:
            return number
    if short.state == State.LOST:
        return FETCHED
    if short.operation_name:
        return RENDERED
    if short.video_prompt:
        return HANDED_OVER
    return 1 if short.attempt else 0


def _stages(*, short: Short, stage: int) -> list[dict[str, Any]]:
    stopped = short.is_final and short.state != State.SUCCEEDED
    now = "stopped" if stopped else "done" if short.is_final else "now"
    return [
        {"label": label, "status": "done" if number < stage else now if number == stage else "next"}
        for number, (_states, label) in enumerate(STAGES)
    ]


def _refresh(view: ShortView) -> int:
    soon = view.waiting_code in ("", "cancel_requested")
    return REFRESH_SECONDS if soon else REFRESH_WAITING_SECONDS


def _goes_on_at(*, short: Short, at: datetime) -> datetime | None:
    """When a short that has to wait before its next paid step goes on, if that takes a while."""
    until = short.next_attempt_at
    waits = short.state in (State.QUEUED, State.ANALYZED) and short.lease_until is None
    return until if waits and until is not None and until - at > WORTH_SAYING else None


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "legs": [_leg(leg) for leg in receipt.legs],
        "held": receipt.held_tokens,
        "charged": receipt.charged_tokens,
        "returned": receipt.returned_tokens,
        "refunded": receipt.refunded_tokens,
    }


def _leg(leg: ReceiptLeg) -> dict[str, Any]:
    parked = leg.parked and leg.state == "open"
    dollars = leg.usd if leg.usd is not None else leg.quoted_usd
    return {
        "what": LEGS.get(leg.api_type, leg.api_type),
        "model": leg.model,
        "state": _("held until the outcome is certain") if parked else LEG_STATES[leg.state],
        "estimated": leg.estimated_tokens,
        "usage": _usage(leg.usage),
        "basis": BASES.get(leg.basis or ""),
        "formula": leg.formula,
        "usd": None if dollars is None else f"${rates.usd_text(dollars)}",
        "charged": leg.charged_tokens,
        "returned": leg.returned_tokens,
        "refunded": leg.refunded_tokens,
        "entry": leg.entry_id,
    }


def _usage(usage: dict[str, Any] | None) -> str:
    """What the provider reported, in words; empty before it has."""
    if usage is None:
        return ""
    if usage.get("seconds"):
        return _("%(seconds)s s of video in %(resolution)s") % usage
    words = {
        "prompt": _("%(count)s for picture and question"),
        "candidates": _("%(count)s for the answer"),
        "thoughts": _("%(count)s for thinking"),
        "total": _("%(count)s in all"),
    }
    parts = [words[name] % {"count": usage[name]} for name in words if usage.get(name)]
    return ", ".join(parts) or _("no counts reported")
