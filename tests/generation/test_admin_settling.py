"""The queue of staff: what waits for a person, and the forms that settle it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import resolve
from metering.models import Hold, LedgerEntry
from shortsproject.local.gemini import StandIn
from tests.generation import driving, settling
from tests.metering.staff_work import allow, signed_in

SHORTS = "/admin/generation/short/"
QUEUE = {"needs": "any"}


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


@pytest.fixture
def unknown(alice: User, stand_in: StandIn) -> Short:
    return settling.unknown(alice, stand_in)


def page(short: Short, act: str) -> str:
    return f"{SHORTS}{short.pk}/{act}/"


def send(desk: Client, url: str, **values: str) -> str:
    """Open a form, fill it in, send it; the page that follows."""
    form = desk.get(url).context["form"]
    shown = {field.name: field.value() for field in form if field.value() is not None}
    filled = {**shown, "reason": "looked it up", **values}
    return desk.post(url, filled, follow=True).content.decode()


def state(short: Short) -> str:
    return Short.objects.get(pk=short.pk).state


def kinds(user: User) -> list[str]:
    return [entry.kind for entry in LedgerEntry.objects.filter(user=user).order_by("seq")]


def test_the_queue_shows_the_longest_waiting_first_with_what_is_known(
    desk: Client, alice: User, unknown: Short, stand_in: StandIn
) -> None:
    over = settling.over(alice, stand_in)
    driving.step(driving.begin(alice))

    answer = desk.get(SHORTS, QUEUE)

    assert [row.pk for row in answer.context["cl"].result_list] == [over.pk, unknown.pk]
    text = answer.content.decode()
    assert over.operation_name.rsplit("/", 1)[-1] in text
    assert "submit without a clear answer" in text
    assert "1,000" in text
    assert Short.objects.get(pk=unknown.pk).end_detail in text


@pytest.mark.parametrize(("kind", "found"), [("unknown", 1), ("overdue", 0), ("nonsense", 0)])
def test_the_queue_is_narrowed_to_one_kind(
    desk: Client, unknown: Short, kind: str, found: int
) -> None:
    rows = desk.get(SHORTS, {"needs": kind}).context["cl"].result_list

    assert len(rows) == found


def test_the_queue_is_searched_and_sorted(desk: Client, bob: User, unknown: Short) -> None:
    found = [
        desk.get(SHORTS, {**QUEUE, "q": term, "o": "-4"}).context["cl"].result_list
        for term in ("alice", bob.email, str(unknown.pk))
    ]

    assert [len(rows) for rows in found] == [1, 0, 1]


def test_the_first_page_and_the_sidebar_count_them(desk: Client, unknown: Short) -> None:
    answer = desk.get("/admin/")

    (waiting,) = answer.context["waiting"]
    assert (waiting["what"], waiting["number"]) == ("submit without a clear answer", 1)
    assert waiting["since"] is not None
    assert waiting["link"] == f"{SHORTS}?needs=unknown"
    assert list(desk.get(waiting["link"]).context["cl"].result_list) == [unknown]
    pages = [item for group in answer.context["sidebar_navigation"] for item in group["items"]]
    assert {p["link"]: p["badge"] for p in pages if "badge" in p} == {SHORTS: 1}


def test_an_unknown_short_is_resumed_by_its_operation(
    desk: Client, staff: User, alice: User, unknown: Short, stand_in: StandIn
) -> None:
    said = send(desk, page(unknown, "resume"), operation_name=settling.name_of(stand_in))

    assert "alice@example.org, entry 2: resolution, 0 tokens. looked it up" in said
    assert state(unknown) == State.RENDERING
    assert kinds(alice) == ["charge", "resolution"]
    assert LogEntry.objects.get().get_change_message() == "Resume with operation name: looked it up"
    assert driving.until(unknown, State.SUCCEEDED).video


def test_what_the_provider_does_not_confirm_is_said_on_the_form(
    desk: Client, alice: User, unknown: Short
) -> None:
    said = send(desk, page(unknown, "resume"), operation_name=settling.no_such_name())

    assert "The provider does not confirm this operation" in said
    assert state(unknown) == State.SUBMIT_UNKNOWN
    assert kinds(alice) == ["charge"]


def test_an_unknown_short_is_released(desk: Client, alice: User, unknown: Short) -> None:
    send(desk, page(unknown, "release"))

    assert state(unknown) == State.FAILED
    assert Hold.objects.get(job_id=unknown.pk, model=unknown.model).state == "released"
    assert kinds(alice) == ["charge", "resolution"]


def test_a_render_past_its_results_life_is_asked_about_and_ended(
    desk: Client, alice: User, stand_in: StandIn
) -> None:
    over = settling.over(alice, stand_in)
    stand_in.next("poll", status=503)

    send(desk, page(over, "ask-again"))
    driving.step(over)
    send(desk, page(over, "end"))

    assert state(over) == State.FAILED
    assert kinds(alice) == ["charge", "resolution", "resolution"]


def test_a_lost_video_is_refunded_in_one_click(
    desk: Client, alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = settling.lost(alice, stand_in, monkeypatch)
    form = desk.get(page(lost, "refund")).context["form"]
    shown = {field.name: field.value() for field in form}

    answers = [desk.post(page(lost, "refund"), shown) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    refund = LedgerEntry.objects.get(kind="refund")
    assert refund.tokens == -1000
    assert refund.reason == "The video was charged and could not be fetched."


def test_a_form_sent_twice_is_one_decision(desk: Client, alice: User, unknown: Short) -> None:
    form = desk.get(page(unknown, "release")).context["form"]
    filled = {"key": form["key"].value(), "reason": "once"}

    answers = [desk.post(page(unknown, "release"), filled) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert kinds(alice) == ["charge", "resolution"]


def test_a_decision_that_comes_too_late_is_said_on_the_form(
    desk: Client, staff: User, alice: User, unknown: Short
) -> None:
    resolve.release(short_id=unknown.pk, actor=staff, reason="first", at=timezone.now())

    said = send(desk, page(unknown, "release"))

    assert "This short has moved on meanwhile" in said
    assert kinds(alice) == ["charge", "resolution"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_demanded(desk: Client, unknown: Short, reason: str) -> None:
    said = send(desk, page(unknown, "release"), reason=reason)

    assert "Please give a reason" in said
    assert state(unknown) == State.SUBMIT_UNKNOWN


@pytest.mark.parametrize("act", ["resume", "release", "ask-again", "end", "refund"])
def test_without_the_right_nothing_is_settled(bob: User, unknown: Short, act: str) -> None:
    clerk = signed_in(allow(bob, "view_short", "view_hold", "view_ledgerentry"))
    form = {"reason": "x", "operation_name": "y"}

    answers = [clerk.get(page(unknown, act)), clerk.post(page(unknown, act), form)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert state(unknown) == State.SUBMIT_UNKNOWN


def test_the_right_to_change_shorts_settles_but_refunds_nothing(bob: User, unknown: Short) -> None:
    clerk = signed_in(allow(bob, "change_short"))

    refund = clerk.post(page(unknown, "refund"), {"reason": "x"})
    release = clerk.post(page(unknown, "release"), {"reason": "x"})

    assert (refund.status_code, release.status_code) == (403, 302)
    assert LedgerEntry.objects.get(kind="resolution").actor == bob


def test_buttons_stand_where_they_make_sense(
    desk: Client, alice: User, unknown: Short, stand_in: StandIn
) -> None:
    over = settling.over(alice, stand_in)
    going_on = driving.step(driving.begin(alice))

    pages = [
        desk.get(f"{SHORTS}{s.pk}/change/").content.decode() for s in (unknown, over, going_on)
    ]

    acts = ("/resume/", "/release/", "/ask-again/", "/end/", "/refund/")
    assert [[act for act in acts if act in text] for text in pages] == [
        ["/resume/", "/release/"], ["/ask-again/", "/end/"], [],
    ]  # fmt: skip


def test_an_act_on_no_short_is_not_found(desk: Client) -> None:
    assert desk.get(f"{SHORTS}00000000-0000-7000-8000-000000000000/release/").status_code == 404
