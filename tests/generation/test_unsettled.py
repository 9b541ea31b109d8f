"""Which shorts need a person, and that staff hear of each once."""

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from generation import queries, unsettled
from generation.models import Short, State
from generation.pipeline import resolve
from generation.unsettled import Kind
from metering.models import StaffNotice
from shortsproject.local.gemini import StandIn
from tests.generation import driving, settling


@pytest.fixture(autouse=True)
def _desk(settings: Any) -> None:
    settings.STAFF_EMAILS = ["desk@example.org"]


def waiting() -> list[Any]:
    """What waits for a person, the longest first."""
    return list(
        unsettled.with_kind(Short.objects.all(), at=timezone.now())
        .order_by("since", "pk")
        .values_list("pk", "kind", "held_tokens")
    )


def tell() -> int:
    return unsettled.tell(at=timezone.now())


def test_each_short_that_can_not_go_on_by_itself_is_found_with_what_it_holds(
    alice: User, bob: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = settling.lost(bob, stand_in, monkeypatch)
    unfetched = settling.unfetched(bob, monkeypatch)
    over = settling.over(alice, stand_in)
    unknown = settling.unknown(alice, stand_in)

    assert sorted(waiting()) == sorted([
        (over.pk, "overdue", 1000),
        (unfetched.pk, "unfetched", 0),
        (lost.pk, "lost", 0),
        (unknown.pk, "unknown", 1000),
    ])  # fmt: skip
    assert unsettled.counts(at=timezone.now()) == dict.fromkeys(Kind, 1)
    assert unsettled.total(at=timezone.now()) == 4


def test_what_waits_longest_comes_first(alice: User, stand_in: StandIn) -> None:
    unknown = settling.unknown(alice, stand_in)
    over = settling.over(alice, stand_in)

    assert [pk for pk, _kind, _held in waiting()] == [over.pk, unknown.pk]


def test_what_goes_on_by_itself_or_has_ended_well_needs_nobody(
    alice: User, stand_in: StandIn
) -> None:
    driving.until(driving.begin(alice), State.SUCCEEDED)
    driving.step(driving.begin(alice))
    stand_in.next("analyse", outcome="filtered")
    driving.step(driving.begin(alice))

    assert waiting() == []


def test_a_lost_video_that_is_refunded_needs_nobody_any_more(
    alice: User, staff: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = settling.lost(alice, stand_in, monkeypatch)

    resolve.refund(short_id=lost.pk, actor=staff, reason="sorry", at=timezone.now())

    assert waiting() == []


def test_staff_are_told_of_each_short_once(alice: User, bob: User, stand_in: StandIn) -> None:
    settling.unknown(alice, stand_in)
    settling.over(bob, stand_in)

    told = [tell(), tell()]
    settling.unknown(alice, stand_in)
    told.append(tell())

    assert told == [2, 0, 1]
    assert [message.subject for message in mail.outbox] == [
        "2 shorts wait for a decision of staff",
        "1 short waits for a decision of staff",
    ]
    assert mail.outbox[0].to == ["desk@example.org"]
    assert "submit without a clear answer: 1" in mail.outbox[0].body
    assert "/admin/generation/short/?needs=any" in mail.outbox[0].body


def test_a_short_that_needs_a_person_for_another_reason_is_told_of_again(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = settling.unfetched(alice, monkeypatch)
    tell()

    Short.objects.filter(pk=short.pk).update(state=State.LOST, finished_at=timezone.now())

    assert tell() == 1
    assert list(StaffNotice.objects.order_by("id").values_list("kind", flat=True)) == [
        "unfetched", "lost",
    ]  # fmt: skip


def test_a_mail_server_that_is_away_is_tried_again(
    alice: User, stand_in: StandIn, settings: Any
) -> None:
    settling.unknown(alice, stand_in)
    settings.EMAIL_BACKEND = "tests.mail_servers.Away"

    away = tell()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    assert (away, tell()) == (0, 1)
    assert len(mail.outbox) == 1


def test_without_an_address_of_staff_the_log_is_told(
    alice: User, stand_in: StandIn, settings: Any
) -> None:
    settings.STAFF_EMAILS = []
    settling.unknown(alice, stand_in)

    assert [tell(), tell()] == [1, 0]
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("wait", "code"), [(settling.unknown, "submit_unknown"), (settling.over, "render_unsettled")]
)
def test_the_owner_reads_that_the_tokens_stay_held_and_that_staff_settle_it(
    alice: User, stand_in: StandIn, wait: Any, code: str
) -> None:
    short = wait(alice, stand_in)

    view = queries.view(short=short, at=timezone.now())

    assert view.waiting_code == code
    assert "tokens stay held" in view.waiting_message
    assert "staff" in view.waiting_message
