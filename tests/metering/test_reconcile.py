"""Our dollars against the provider's bill, by day and kind."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from metering import ledger, reconcile
from metering.types import Usage
from tests import factories
from tests.metering.staff_work import allow, signed_in

CALIFORNIA = ZoneInfo("America/Los_Angeles")
VIDEO, ANALYSIS = "gemini-veo-video", "gemini-image-analysis"
# The evening of the 24th in California, and noon of the 25th in Seoul.
AT = datetime(2026, 11, 25, 3, tzinfo=UTC)
DAY = date(2026, 11, 24)
PAGE = "/admin/metering/usageevent/bill/"


def compared(text: str, zone: ZoneInfo = CALIFORNIA) -> list[tuple[Any, ...]]:
    lines = reconcile.compare(bill=reconcile.read(text=text), zone=zone)
    return [(line.day, line.kind, line.ours_usd, line.billed_usd) for line in lines]


def test_each_day_and_kind_stands_beside_its_bill(alice: User) -> None:
    factories.short_charged(alice, at=AT)

    analysis, video, total = compared(f"day,kind,usd\n2026-11-24,{VIDEO},$1.00")

    assert video == (DAY, VIDEO, Decimal("0.80"), Decimal("1.00"))
    assert analysis == (DAY, ANALYSIS, Decimal("0.00089625"), Decimal(0))
    assert total == (None, "", Decimal("0.80089625"), Decimal("1.00"))


def test_a_day_is_that_of_the_bills_time_zone(alice: User) -> None:
    factories.short_charged(alice, at=AT)
    text = f"day,kind,usd\n2026-11-25,{VIDEO},0.80"

    there, here = compared(text), compared(text, ZoneInfo("Asia/Seoul"))

    assert there[0] == (date(2026, 11, 25), VIDEO, Decimal(0), Decimal("0.80"))
    assert (date(2026, 11, 25), VIDEO, Decimal("0.80"), Decimal("0.80")) in here


def test_a_bill_by_model_is_compared_by_model(alice: User) -> None:
    factories.short_charged(alice, at=AT)
    model = factories.VIDEO.model

    found = compared(f"day,kind,usd\n2026-11-24,{model},0.5\n2026-11-24,{model},0.3")

    assert (DAY, model, Decimal("0.80"), Decimal("0.8")) in found
    assert [kind for _day, kind, *_usd in found] == [ANALYSIS, model, ""]


def test_what_nobody_was_charged_for_is_a_cost_all_the_same(alice: User) -> None:
    (hold,) = factories.hold(alice, quote=factories.quote_for(factories.ANALYSIS), at=AT)
    usage = Usage(prompt_tokens=1_000_000, total_tokens=1_000_000)
    ledger.record_usage(hold=hold, attempt=1, usage=usage, billable=False, at=AT)

    (line, _total) = compared(f"day,kind,usd\n2026-11-24,{ANALYSIS},0.75")

    assert line == (DAY, ANALYSIS, Decimal("0.75"), Decimal("0.75"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-11-24,video,1", "The first line must name the columns"),
        ("day,kind,usd", "There is no line below"),
        ("day,kind,usd\n2026-11-24,video,much", "Line 2 must be like"),
        ("day,kind,usd\n2026-11-24,video,NaN", "Line 2 must be like"),
        ("day,kind,usd\n24.11.2026,video,1", "Line 2 must be like"),
        ("day,kind,usd\n2026-11-24,,1", "Line 2 must be like"),
        ("day,kind,usd\n9999-12-31,video,1", "Line 2 must be like"),
        ("day,kind,usd\n2026-11-24,video,9e999999\n2026-11-24,video,9e999999", "Line 2 must be"),
        (f"day,kind,usd\n2026-11-24,{'x' * 140_000},1", "must be like"),
        ("day,kind,usd\n2026-11-24,video", "Line 2 must be like"),
        ("day,kind,usd\n2026-01-01,v,1\n2026-11-24,v,1", "at most 100 days"),
    ],
)
def test_a_bill_that_cannot_be_read_is_refused_in_a_sentence(
    staff: User, text: str, sentence: str
) -> None:
    answer = signed_in(staff).post(PAGE, {"bill": text, "zone": "America/Los_Angeles"})

    assert sentence in answer.content.decode()


def test_staff_paste_a_bill_and_see_what_differs(staff: User, alice: User) -> None:
    factories.short_charged(alice, at=AT)
    form = {"bill": f"day,kind,usd\n2026-11-24,{VIDEO},3", "zone": "America/Los_Angeles"}

    page = signed_in(staff).post(PAGE, form).content.decode()

    assert ("$0.8000" in page, "$3.00" in page, "$2.20" in page) == (True, True, True)


def test_who_may_not_see_events_compares_nothing(alice: User) -> None:
    clerk = signed_in(allow(alice, "view_hold"))

    assert clerk.post(PAGE, {"bill": "x", "zone": "UTC"}).status_code == 403
