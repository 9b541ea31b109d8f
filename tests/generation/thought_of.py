"""Shorts that are only thought of, and the plain values of their pages."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from generation import catalog, short_page
from generation.models import Short
from generation.queries import ShortView
from metering.receipts import Receipt, ReceiptLeg
from tests.factories import AT


def short(state: str, **fields: Any) -> Short:
    """A short of this state that no database knows."""
    given = {
        "id": UUID(int=1), "model": catalog.DEFAULT_MODEL, "seconds": 8, "resolution": "720p",
        "aspect_ratio": "16:9", "picture_width": 16, "picture_height": 9, "created_at": AT,
    }  # fmt: skip
    return Short(state=state, **{**given, **fields})


def page(state: str, *, at: datetime = AT, paused: bool = False, **fields: Any) -> dict[str, Any]:
    """The plain values of its page, with an empty receipt."""
    view = ShortView(short=short(state, **fields), receipt=Receipt(legs=()), at=at, paused=paused)
    return short_page.page(view=view, at=at)


def leg(api_type: str = catalog.VEO_API_TYPE, state: str = "captured", **fields: Any) -> ReceiptLeg:
    """A leg of a receipt: 8 s of video for 1,000 tokens, charged, unless told otherwise."""
    given: dict[str, Any] = {
        "api_type": api_type, "model": catalog.DEFAULT_MODEL, "label": "Veo 3.1 Fast",
        "state": state, "parked": False, "quoted_usd": Decimal("1.20"), "estimated_tokens": 1000,
        "charged_tokens": 1000 if state == "captured" else 0, "refunded_tokens": 0,
        "returned_tokens": 1000 if state == "released" else 0, "basis": None, "usd": None,
        "usage": None, "formula": None, "entry_id": None, "refund_entry_id": None,
        "usd_per_second": Decimal("0.15"), "tokens_per_usd": Decimal(833), "rate_card_id": 1,
        "quoted_at": AT,
    }  # fmt: skip
    return ReceiptLeg(**{**given, **fields})


def analysis(state: str = "captured", **fields: Any) -> ReceiptLeg:
    """The leg of an analysis: 500 tokens held, 487 of them charged, unless told otherwise."""
    given: dict[str, Any] = {
        "model": catalog.ANALYSIS_MODEL, "quoted_usd": None, "usd_per_second": None,
        "estimated_tokens": 500, "charged_tokens": 487 if state == "captured" else 0,
        "returned_tokens": {"captured": 13, "released": 500}.get(state, 0),
    }  # fmt: skip
    return leg(catalog.ANALYSIS_API_TYPE, state, **{**given, **fields})
