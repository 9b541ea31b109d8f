"""/usage: a period at a glance, day by day, and its statement."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from metering import ledger, periods, staff
from metering.chart import WHOLE
from tests import factories


def test_the_page_shows_what_was_used_and_the_statement(web: Client, alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000, at=timezone.now())

    page = web.get("/usage")

    html = page.content.decode()
    assert page.status_code == 200
    assert page.context["meter"]["left"] == 9000
    assert f'id="entry-{charge.id}"' in html
    assert [line.entry.used_after for line in page.context["lines"]] == [1000]


def test_the_chart_has_a_column_for_each_day_up_to_a_round_number(web: Client, alice: User) -> None:
    now = timezone.now()
    factories.charged(alice, 1500, held=1500, at=now)

    chart = web.get("/usage").context["chart"]

    today = periods.local_day(at=now)
    column = next(column for column in chart.columns if column.day == today)
    assert chart.columns[0].day == today.replace(day=1)
    assert 28 <= len(chart.columns) <= 31
    assert (column.total, chart.top) == (1500, 2000)
    assert sum(part.height for part in column.parts) == 7500


def test_dollars_are_another_unit_of_the_same_chart(web: Client, alice: User) -> None:
    factories.short_charged(alice, at=timezone.now())

    page = web.get("/usage", {"unit": "usd"})

    drawn = [part.name for column in page.context["chart"].columns for part in column.parts]
    assert drawn == [2]
    assert page.context["scale"] == [Decimal(2), Decimal(1)]
    assert "<li>$2.00</li><li>$1.00</li><li>0</li>" in page.content.decode()
    assert 'aria-current="true">Dollars' in page.content.decode()


def test_the_parts_of_a_day_stand_on_each_other(web: Client, alice: User) -> None:
    factories.short_charged(alice, at=timezone.now())

    chart = web.get("/usage").context["chart"]

    below, above = next(column.parts for column in chart.columns if column.parts)
    assert [below.value, above.value] == [487, 1000]
    assert above.y + above.height == below.y
    assert below.y + below.height == WHOLE


def test_an_earlier_period_is_one_step_back_and_shows_its_own_entries(
    web: Client, alice: User
) -> None:
    before = timezone.now() - timedelta(days=40)
    factories.charged(alice, 700, held=700, at=before)
    factories.charged(alice, 300, held=300, at=timezone.now())

    now = web.get("/usage")
    then = web.get("/usage", {"period": now.context["earlier"].isoformat()})

    assert [line.entry.tokens for line in now.context["lines"]] == [300]
    assert [line.entry.tokens for line in then.context["lines"]] == [700]
    assert then.context["later"] == now.context["start"]


def test_older_entries_are_a_page_on_and_none_is_skipped(web: Client, alice: User) -> None:
    at = timezone.now()
    seqs = [
        staff.grant(user=alice, tokens=1, actor=None, reason="test", at=at, key=uuid4())
        for _ in range(60)
    ]

    first = web.get("/usage")
    second = web.get("/usage", {"before": first.context["older"]})

    shown = [line.entry.pk for page in (first, second) for line in page.context["lines"]]
    assert shown == sorted(seqs, reverse=True)
    assert second.context["older"] is None


def test_the_period_is_summed_up_by_what_it_was_for(web: Client, alice: User) -> None:
    at = timezone.now()
    factories.short_charged(alice, at=at)
    staff.adjust(user=alice, tokens=-100, actor=None, reason="test", at=at, key=uuid4())

    page = web.get("/usage")

    sums = [(kind["look"], kind["tokens"], kind["usd"]) for kind in page.context["kinds"]]
    assert sums == [(1, 487, None), (2, 1000, Decimal("1.2")), (4, -100, None)]
    assert page.context["total"] == {"tokens": 1387, "usd": Decimal("1.2")}


def test_what_has_no_price_in_dollars_is_said_to_have_none(web: Client, alice: User) -> None:
    factories.charged(alice, 1000, held=1000, at=timezone.now())

    html = web.get("/usage", {"unit": "usd"}).content.decode()

    assert "Nothing of it has a price in dollars." in html


def test_a_statement_says_what_was_left_after_each_entry(web: Client, alice: User) -> None:
    at = timezone.now()
    factories.charged(alice, 700, held=700, at=at)
    staff.grant(user=alice, tokens=500, actor=None, reason="test", at=at, key=uuid4())
    staff.set_limit(user=alice, tokens=None, actor=None, reason="test", at=at)

    page = web.get("/usage")

    assert [line.left_after for line in page.context["lines"]] == [None, 9800, 9300]
    assert "(+500)" in page.content.decode()


def test_what_was_booked_after_its_period_says_nothing_of_what_was_left(
    web: Client, alice: User
) -> None:
    then, now = timezone.now() - timedelta(days=40), timezone.now()
    one = factories.due(alice, 700, held=700, at=then)
    ledger.charge(hold=one, at=now)

    page = web.get("/usage", {"period": factories.row(one).period_start.isoformat()})

    assert [(line.entry.tokens, line.left_after) for line in page.context["lines"]] == [(700, None)]


def test_what_is_held_is_listed_with_its_video_and_why(web: Client, alice: User) -> None:
    at = timezone.now()
    parked, other = uuid4(), uuid4()
    _analysis, video = factories.hold(alice, job_id=parked, at=at - timedelta(hours=2))
    ledger.park(hold=video, at=at)
    factories.hold(alice, job_id=other, at=at)

    page = web.get("/usage")

    assert [(job.job_id, job.tokens) for job in page.context["held"]] == [
        (other, 1500),
        (parked, 1500),
    ]
    assert f'<a href="/shorts/{parked}">1,500 tokens for a video</a>' in page.content.decode()
    assert "Veo video: 1,000, set aside until the outcome is certain" in page.content.decode()


def test_what_is_being_charged_is_held_until_then(web: Client, alice: User) -> None:
    factories.due(alice, 400, held=500, at=timezone.now())

    (job,) = web.get("/usage").context["held"]

    assert [(tokens, str(why)) for _what, tokens, why in job.legs] == [
        (500, "done, and being charged")
    ]


def test_a_change_of_the_limit_stands_with_its_reason(web: Client, alice: User) -> None:
    staff.set_limit(
        user=alice, tokens=500, actor=None, reason="<b>trial</b> over", at=timezone.now()
    )

    html = web.get("/usage").content.decode()

    assert "&lt;b&gt;trial&lt;/b&gt; over" in html
    assert "(-9,500)" in html


def test_what_staff_changed_is_told_in_the_readers_language(web: Client, alice: User) -> None:
    acting: dict[str, Any] = {"user": alice, "actor": None, "at": timezone.now()}
    staff.set_limit(**acting, tokens=500, max_in_flight=5, reason="trial")
    staff.set_period(**acting, period="lifetime", reason="[asked] by mail")
    staff.suspend(**acting, reason="abuse")

    page = web.get("/usage", headers={"accept-language": "ko"})

    assert [str(line.what) for line in page.context["lines"]] == [
        "abuse [정지됨]",
        "[asked] by mail [기간: 월 → 전체 기간]",
        "trial [동시 영상 수: 3 → 5]",
    ]


def test_nobody_sees_another_ones_entries(client: Client, alice: User, bob: User) -> None:
    factories.charged(alice, 1000, held=1000, at=timezone.now())
    client.force_login(bob)

    page = client.get("/usage")

    assert page.context["lines"] == []
    assert "Nothing was used in this period." in page.content.decode()


@pytest.mark.parametrize("period", ["month", "week", "day", "lifetime"])
def test_every_kind_of_period_has_its_days(web: Client, alice: User, period: str) -> None:
    at = timezone.now()
    staff.set_period(user=alice, period=period, actor=None, reason="test", at=at)
    factories.charged(alice, 1000, held=1000, at=at)

    page = web.get("/usage")

    assert page.status_code == 200
    assert sum(column.total for column in page.context["chart"].columns) == 1000


def test_without_a_limit_there_is_no_meter(web: Client, alice: User) -> None:
    staff.set_limit(user=alice, tokens=None, actor=None, reason="test", at=timezone.now())

    page = web.get("/usage")

    assert page.context["meter"] is None
    assert page.content.decode().count("Unlimited") == 2, "in the meter and in the statement"


@pytest.mark.parametrize("query", ["period=soon", "unit=euro", "before=0", "before=x"])
def test_an_address_that_makes_no_sense_is_not_found(web: Client, query: str) -> None:
    assert web.get(f"/usage?{query}").status_code == 404


def test_a_period_without_anything_says_so(web: Client) -> None:
    page = web.get("/usage", {"period": datetime(2020, 1, 1, tzinfo=UTC).date().isoformat()})

    assert "No entries in this period." in page.content.decode()


def test_the_page_is_in_korean_too(web: Client) -> None:
    page = web.get("/usage", headers={"accept-language": "ko"})

    assert "<h1>사용량</h1>" in page.content.decode()


def test_strangers_are_sent_to_the_log_in(client: Client, db: None) -> None:
    assert client.get("/usage").status_code == 302


def test_the_page_costs_the_same_queries_whatever_is_on_it(
    web: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    staff.grant(user=alice, tokens=9, actor=None, reason="test", at=timezone.now())
    factories.charged(alice, 100, held=100, at=timezone.now())

    with django_assert_max_num_queries(11):
        web.get("/usage")


def test_an_entry_is_found_by_its_number_in_its_own_period(web: Client, alice: User) -> None:
    charge = factories.charged(alice, 700, held=700, at=timezone.now() - timedelta(days=40))
    factories.charged(alice, 300, held=300, at=timezone.now())

    page = web.get("/usage", {"entry": charge.id})

    assert [line.entry.pk for line in page.context["lines"]] == [charge.id]
    assert page.context["is_current"] is False


def test_an_entry_of_somebody_else_is_not_found(client: Client, alice: User, bob: User) -> None:
    charge = factories.charged(alice, 700, held=700, at=timezone.now())
    client.force_login(bob)

    assert client.get("/usage", {"entry": charge.id}).status_code == 404
