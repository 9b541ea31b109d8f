"""The receipt of a short, readable by anyone: each leg as plain values, and the whole in words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from generation import catalog
from metering import rates
from metering.receipts import PricesSince, Receipt, ReceiptLeg

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
LIVE = ("open", "due")
COUNTS: dict[str, Promise] = {
    "prompt": gettext_lazy("%(count)s for picture and question"),
    "candidates": gettext_lazy("%(count)s for the answer"),
    "thoughts": gettext_lazy("%(count)s for thinking"),
    "total": gettext_lazy("%(count)s in all"),
}


def of(*, receipt: Receipt, since: PricesSince, seconds: int) -> dict[str, Any]:
    """The receipt of a video of so many seconds, with the dates of its prices."""
    return {
        "legs": [_leg(leg, since=since) for leg in receipt.legs],
        "held": receipt.held_tokens,
        "charged": receipt.charged_tokens,
        "returned": receipt.returned_tokens,
        "refunded": receipt.refunded_tokens,
        "summary": summary(receipt=receipt, seconds=seconds),
        "settled": is_settled(receipt),
    }


def is_settled(receipt: Receipt) -> bool:
    """Whether nothing of it is still held or about to be charged."""
    return not any(leg.state in LIVE for leg in receipt.legs)


def summary(*, receipt: Receipt, seconds: int) -> str:
    """What was taken, is held and was given back, in whole sentences with figures."""
    taken = [(leg, leg.charged_tokens) for leg in receipt.legs if leg.charged_tokens]
    held = [(leg, leg.estimated_tokens) for leg in receipt.legs if leg.state in LIVE]
    said = [_taken(taken, seconds) if taken or not held else "", _held(held, seconds)]
    if returned := receipt.returned_tokens:
        said.append(
            ngettext(
                "%(tokens)s held token was given back.",
                "%(tokens)s held tokens were given back.",
                returned,
            )
            % {"tokens": _number(returned)}
        )
    if refunded := receipt.refunded_tokens:
        said.append(
            ngettext("%(tokens)s token was refunded.", "%(tokens)s tokens were refunded.", refunded)
            % {"tokens": _number(refunded)}
        )
    return " ".join(sentence for sentence in said if sentence)


def _taken(parts: Sequence[tuple[ReceiptLeg, int]], seconds: int) -> str:
    total = sum(tokens for _leg, tokens in parts)
    if not total:
        return _("No tokens were taken.")
    if len(parts) == 1:
        sentence = ngettext(
            "%(tokens)s token was taken for %(what)s.",
            "%(tokens)s tokens were taken for %(what)s.",
            total,
        )
        return sentence % {"tokens": _number(total), "what": _purpose(parts[0][0], seconds)}
    return _("%(tokens)s tokens were taken: %(parts)s.") % {
        "tokens": _number(total),
        "parts": _listed(parts, seconds),
    }


def _held(parts: Sequence[tuple[ReceiptLeg, int]], seconds: int) -> str:
    total = sum(tokens for _leg, tokens in parts)
    if not total:
        return ""
    if len(parts) == 1:
        sentence = ngettext(
            "%(tokens)s token is held for %(what)s.",
            "%(tokens)s tokens are held for %(what)s.",
            total,
        )
        return sentence % {"tokens": _number(total), "what": _purpose(parts[0][0], seconds)}
    return _("%(tokens)s tokens are held: %(parts)s.") % {
        "tokens": _number(total),
        "parts": _listed(parts, seconds),
    }


def _listed(parts: Sequence[tuple[ReceiptLeg, int]], seconds: int) -> str:
    return ", ".join(
        _("%(tokens)s for %(what)s") % {"tokens": _number(tokens), "what": _purpose(leg, seconds)}
        for leg, tokens in parts
    )


def _purpose(leg: ReceiptLeg, seconds: int) -> str:
    if leg.api_type == catalog.ANALYSIS_API_TYPE:
        return pgettext("what tokens are for", "looking at the picture")
    return _("%(seconds)s s of video") % {"seconds": seconds}


def _leg(leg: ReceiptLeg, *, since: PricesSince) -> dict[str, Any]:
    parked = leg.parked and leg.state == "open"
    dollars = leg.usd if leg.usd is not None else leg.quoted_usd
    return {
        "what": LEGS.get(leg.api_type, leg.api_type),
        "model": leg.model,
        "state": _("held until the outcome is certain") if parked else LEG_STATES[leg.state],
        "estimated": leg.estimated_tokens,
        "rates": _rates(leg, since=since),
        "usage": _usage(leg.usage),
        "basis": BASES.get(leg.basis or ""),
        "formula": _formula(leg),
        "result": _result(leg),
        "usd": None if dollars is None else f"${rates.usd_text(dollars)}",
        "charged": leg.charged_tokens,
        "over": max(leg.charged_tokens - leg.estimated_tokens, 0) if leg.charged_tokens else 0,
        "returned": leg.returned_tokens,
        "refunded": leg.refunded_tokens,
        "entry": leg.entry_id,
        "refund_entry": leg.refund_entry_id,
    }


def _rates(leg: ReceiptLeg, *, since: PricesSince) -> list[tuple[str, datetime | None]]:
    """The prices that the leg is charged by, each with the day since which it was in force."""
    if leg.estimated_tokens == 0:
        return []
    card = since.cards.get(leg.rate_card_id)
    if leg.usd_per_second is None:
        return [(_("1 token for each that Gemini reports"), card)]
    usd, conversion = rates.usd_text(leg.usd_per_second), leg.tokens_per_usd.normalize()
    return [
        (_("$%(usd)s for each second") % {"usd": usd}, card),
        (_("%(tokens)s tokens per dollar") % {"tokens": f"{conversion:f}"}, since.conversion),
    ]


def _formula(leg: ReceiptLeg) -> str | None:
    """The formula as the reader writes its first figure; the API has one spelling for all."""
    if not (leg.formula and leg.usage):
        return leg.formula
    _first, times, prices = leg.formula.partition(" × ")
    if leg.usage.get("seconds"):
        return _("%(seconds)s s") % leg.usage + times + prices
    return _number(leg.charged_tokens) + times + prices


def _result(leg: ReceiptLeg) -> str:
    """What the formula comes to, before and after rounding; empty before the charge."""
    if not leg.charged_tokens:
        return ""
    exact = None if leg.usd is None else leg.usd * leg.tokens_per_usd
    if exact is None or exact == leg.charged_tokens:
        return f"= {_number(leg.charged_tokens)}"
    plain = number_format(exact.normalize(), use_l10n=True, force_grouping=True)
    return _("= %(exact)s, rounded to %(tokens)s") % {
        "exact": plain,
        "tokens": _number(leg.charged_tokens),
    }


def _usage(usage: dict[str, Any] | None) -> str:
    """What the provider reported, in words; empty before it has."""
    if usage is None:
        return ""
    if usage.get("seconds"):
        return _("%(seconds)s s of video in %(resolution)s") % usage
    parts = [
        str(words) % {"count": _number(usage[name])}
        for name, words in COUNTS.items()
        if usage.get(name)
    ]
    return ", ".join(parts) or _("no counts reported")


def _number(tokens: int) -> str:
    return number_format(tokens, use_l10n=True, force_grouping=True)
