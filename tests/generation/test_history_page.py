"""The history: which shorts it lists, page by page, and how it stays as narrow as it was asked."""

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import quote

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from generation.history import PAGE
from generation.models import Short, State, new_id
from metering import ledger
from metering.models import LedgerEntry
from tests import factories
from tests.generation.browsing import text


def made(user: User, number: int = 1, *, state: str = State.SUCCEEDED) -> list[str]:
    """Ids of new shorts, the newest first."""
    made = [factories.short(user, state, job_id=new_id()) for _ in range(number)]
    return [str(short.pk) for short in reversed(made)]


def charged(user: User, *, state: str = State.SUCCEEDED) -> str:
    """The id of a new short whose legs are charged: 487 and 1,000 tokens."""
    (made_one,) = made(user, state=state)
    factories.short_charged(user, job_id=Short.objects.get(pk=made_one).pk)
    return made_one


def ids(response: HttpResponse) -> list[str]:
    """The shorts that a page shows, in order."""
    return re.findall(r'id="tile-([0-9a-f-]{36})"', response.content.decode())


def link(response: HttpResponse, label: str) -> str | None:
    """Where the link with that text leads."""
    found = re.findall(r'<a[^>]*href="([^"]*)"[^>]*>(.*?)</a>', response.content.decode(), re.S)
    to = {re.sub(r"<[^>]*>", "", text).strip(): unescape(href) for href, text in found}
    return to.get(label)


def days(web: Client, **given: str) -> int:
    """How many shorts are shown of these days."""
    return len(ids(web.get("/shorts", given)))


def test_each_tile_says_what_the_short_is_and_what_it_took(web: Client, alice: User) -> None:
    short = charged(alice)
    Short.objects.filter(pk=short).update(wish="a <slow> pan")

    response = web.get("/shorts")

    page = response.content.decode()
    assert f'src="/shorts/{short}/thumbnail" alt="" width="480" height="360" loading="lazy"' in page
    assert f'href="/shorts/{short}"' in page
    assert '<span class="state good">Ready</span>' in page
    assert "a &lt;slow&gt; pan" in page
    assert "1,487 tokens taken" in text(response)
    assert "Veo 3.1 Fast · 8 s · 720p Nov. 25, 2026, 12:00" in text(response)
    assert "hx-get" not in page


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.QUEUED, "Queued 1,500 tokens held"),
        (State.SUBMIT_UNKNOWN, "Waiting for certainty 1,500 tokens held"),
    ],
)
def test_what_is_held_is_not_called_taken(web: Client, alice: User, state: str, said: str) -> None:
    (short,) = made(alice, state=state)
    factories.hold(alice, job_id=Short.objects.get(pk=short).pk)

    assert said in text(web.get("/shorts"))


def test_a_short_that_cost_nothing_says_so(web: Client, alice: User) -> None:
    made(alice, state=State.FAILED)

    assert "Failed No tokens taken" in text(web.get("/shorts"))


def test_a_charge_that_was_refunded_is_not_called_taken(web: Client, alice: User) -> None:
    charged(alice, state=State.LOST)
    entry = LedgerEntry.objects.get(kind="charge", tokens=1000)
    ledger.refund(entry=entry.pk, tokens=1000, at=factories.AT, **factories.act())

    assert "Lost 487 tokens taken" in text(web.get("/shorts"))


def test_one_in_line_says_its_number(web: Client, alice: User) -> None:
    made(alice, state=State.ANALYZED)

    assert "Number 1 in line" in text(web.get("/shorts"))


def test_without_javascript_a_page_with_something_under_way_says_how_to_see_more(
    web: Client, alice: User
) -> None:
    made(alice)
    before = text(web.get("/shorts"))
    made(alice, state=State.RENDERING)

    hint = "Load this page again to see how the videos under way stand."
    assert hint in text(web.get("/shorts"))
    assert hint not in before


def test_the_newest_stands_first_and_nobody_elses_nor_a_deleted_one_is_there(
    web: Client, alice: User, bob: User
) -> None:
    old, deleted, new = made(alice, 3)[::-1]
    made(bob)
    Short.objects.filter(pk=deleted).update(deleted_at=timezone.now())

    assert ids(web.get("/shorts")) == [new, old]


def test_a_stranger_is_led_to_the_log_in_and_back(client: Client, db: None) -> None:
    response = client.get("/shorts?show=ready")

    assert response["Location"] == f"/accounts/login/?next={quote('/shorts?show=ready')}"


def test_every_page_leads_to_the_history(web: Client) -> None:
    here, elsewhere = web.get("/shorts"), web.get("/usage")

    assert link(here, "History") == link(elsewhere, "History") == "/shorts"
    assert '<a href="/shorts" aria-current="page">' in here.content.decode()


def test_a_newcomer_is_shown_the_way(web: Client) -> None:
    response = web.get("/shorts")

    assert "No videos yet" in text(response)
    assert link(response, "Make your first video") == "/"
    assert 'type="date"' not in response.content.decode()


@pytest.mark.parametrize(
    ("show", "number"), [("under-way", 7), ("ready", 1), ("without-video", 4), ("", 12)]
)
def test_the_groups_share_all_states_among_them(
    web: Client, alice: User, show: str, number: int
) -> None:
    [made(alice, state=state) for state in State]

    assert days(web, show=show) == number


def test_the_group_that_is_shown_is_marked_and_the_others_keep_the_days(
    web: Client, alice: User
) -> None:
    made(alice)

    response = web.get("/shorts?show=ready&since=2026-11-01")

    assert 'aria-current="true">Ready</a>' in response.content.decode()
    assert link(response, "Under way") == "/shorts?show=under-way&since=2026-11-01"
    assert link(response, "All") == "/shorts?since=2026-11-01"
    assert link(response, "All days") == "/shorts?show=ready"
    assert 'type="date" name="since" value="2026-11-01"' in response.content.decode()
    assert '<input type="hidden" name="show" value="ready">' in response.content.decode()


def test_where_nothing_matches_there_is_a_way_back(web: Client, alice: User) -> None:
    made(alice)

    response = web.get("/shorts?show=under-way&until=2026-12-24")

    assert "No video matches what is chosen above" in text(response)
    assert link(response, "Show all videos") == "/shorts"


@pytest.mark.parametrize(
    ("zone", "day"), [("Asia/Seoul", "2026-11-26"), ("America/New_York", "2026-11-25")]
)
def test_days_are_those_of_the_users_own_time_zone(
    web: Client, alice: User, zone: str, day: str
) -> None:
    made(alice)
    Short.objects.update(created_at=datetime(2026, 11, 25, 15, 30, tzinfo=UTC))
    User.objects.filter(pk=alice.pk).update(time_zone=zone)

    assert days(web, since=day, until=day) == 1
    assert days(web, since="2026-11-27") == days(web, until="2026-11-24") == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("since=2026-11-25&until=2026-11-24", "The last day lies before the first."),
        ("since=yesterday", "Enter a valid date."),
        ("until=9999-12-31", "less than or equal to 2999-12-31"),
        ("since=0001-01-01", "greater than or equal to 2000-01-01"),
    ],
)
def test_a_day_that_makes_no_sense_is_told_and_left_out(
    web: Client, alice: User, given: str, said: str
) -> None:
    (short,) = made(alice)

    response = web.get(f"/shorts?{given}")

    assert (response.status_code, ids(response)) == (200, [short])
    assert said in text(response)
    assert 'aria-invalid="true"' in response.content.decode()


@pytest.mark.parametrize(
    "given",
    ["before=3", "after=%00", "before=0199", "show=happy", "show=%00", "before=" + "9" * 999],
)
def test_an_address_that_makes_no_sense_is_not_found(web: Client, given: str) -> None:
    assert web.get(f"/shorts?{given}").status_code == 404


def test_pages_go_on_where_they_ended_while_new_shorts_arrive(web: Client, alice: User) -> None:
    before = made(alice, 2 * PAGE + 5)

    first = web.get("/shorts?show=ready")
    made(alice, 3)
    second = web.get(str(link(first, "Older")))
    third = web.get(str(link(second, "Older")))
    back = web.get(str(link(third, "Newer")))

    assert ids(first) + ids(second) + ids(third) == before
    assert ids(back) == ids(second)
    assert link(third, "Older") is None
    assert link(first, "Newer") is None
    assert link(third, "Newest") == "/shorts?show=ready"


def test_the_first_page_on_the_way_back_is_full_and_has_what_arrived(
    web: Client, alice: User
) -> None:
    made(alice, PAGE + 1)
    second = web.get(str(link(web.get("/shorts"), "Older")))
    new = made(alice, 2)

    back = web.get(str(link(second, "Newer")))
    top = web.get(str(link(back, "Newer")))

    assert len(ids(back)) == len(ids(top)) == PAGE
    assert ids(top)[:2] == new
    assert link(top, "Newer") is None


def test_a_page_that_is_just_full_is_the_last(web: Client, alice: User) -> None:
    made(alice, PAGE)

    assert link(web.get("/shorts"), "Older") is None


def test_a_last_page_whose_shorts_are_deleted_shows_the_one_before(
    web: Client, alice: User
) -> None:
    *kept, last = made(alice, PAGE + 1)
    address = str(link(web.get("/shorts"), "Older"))
    Short.objects.filter(pk=last).update(deleted_at=timezone.now())

    response = web.get(address)

    assert ids(response) == kept
    assert (link(response, "Newer"), link(response, "Older")) == (None, None)


def test_the_place_of_somebody_elses_short_shows_only_ones_own(
    web: Client, alice: User, bob: User
) -> None:
    (mine,), (his,) = made(alice), made(bob)

    assert ids(web.get(f"/shorts?before={his}")) == [mine]


def test_many_shorts_take_as_many_queries_as_one(web: Client, alice: User) -> None:
    factories.limit(alice, None, max_in_flight=99)
    first = charged(alice, state=State.ANALYZED)
    with CaptureQueriesContext(connection) as of_one:
        one = web.get("/shorts")
    [charged(alice, state=state) for state in (State.QUEUED, State.ANALYZED, State.FAILED) * 10]

    with CaptureQueriesContext(connection) as of_many:
        many = web.get("/shorts")

    assert (ids(one), len(ids(many))) == ([first], PAGE)
    assert len(of_many) == len(of_one) <= 9


def test_the_page_speaks_korean(web: Client, alice: User) -> None:
    charged(alice)
    User.objects.filter(pk=alice.pk).update(language="ko")

    response = web.get("/shorts?since=2026-11-01")

    assert "내 영상" in text(response)
    assert "1,487토큰 차감" in text(response)
    assert not re.search(r"tokens|Ready|Delete|Show|All", text(response))
