"""What staff may do: each act has a reason, sound figures and one entry, or a sentence why not."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from metering import ledger, staff
from metering.models import Hold, LedgerEntry
from metering.types import OpenHold
from tests import factories
from tests.factories import AT

Act = Callable[..., int]


def refund(user: User, **more: Any) -> int:
    charge = LedgerEntry.objects.filter(user=user, kind="charge").first()
    assert charge is not None
    return staff.refund(entry_id=charge.pk, **{"tokens": 100, **more})


def grant(user: User, **more: Any) -> int:
    return staff.grant(user=user, **{"tokens": 100, **more})


def adjust(user: User, **more: Any) -> int:
    return staff.adjust(user=user, **{"tokens": 100, **more})


def suspend(user: User, **more: Any) -> int:
    return staff.suspend(user=user, **more)


def resume(user: User, **more: Any) -> int:
    return staff.resume(user=user, **more)


def set_period(user: User, **more: Any) -> int:
    return staff.set_period(user=user, period="week", **more)


def write_off(user: User, **more: Any) -> int:
    return staff.write_off(hold=due_hold(user), **more)


def due_hold(user: User) -> OpenHold:
    return Hold.objects.get(user=user, state__in=["due", "written_off"]).to_open_hold()


def open_hold(user: User) -> OpenHold:
    return factories.hold(user, 500)[0]


def captured_hold(user: User) -> OpenHold:
    one = factories.due(user)
    ledger.charge(hold=one, at=AT)
    return one


def released_hold(user: User) -> OpenHold:
    one = open_hold(user)
    ledger.release(hold=one, reason="test", at=AT)
    return one


ACTS = [refund, grant, adjust, suspend, resume, set_period, write_off]
every_act = pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)


@pytest.fixture
def worked(alice: User) -> User:
    """Alice, with a charge of 1,000 and a hold of 500 that is due."""
    factories.charged(alice, 1000, held=1000)
    factories.due(alice, 487, held=500)
    return alice


@every_act
def test_an_act_is_one_entry_with_who_and_why(worked: User, bob: User, act: Act) -> None:
    entry_id = act(worked, actor=bob, reason=" a good one ", at=AT)

    entry = LedgerEntry.objects.get(pk=entry_id)
    assert (entry.user, entry.seq, entry.actor) == (worked, 2, bob)
    assert entry.reason.partition(" [")[0] == "a good one"


@every_act
@pytest.mark.parametrize("reason", ["", "  ", "\t\n"])
def test_without_a_reason_nothing_is_done(worked: User, act: Act, reason: str) -> None:
    with pytest.raises(staff.ReasonMissing, match="Please give a reason"):
        act(worked, actor=None, reason=reason, at=AT)

    assert LedgerEntry.objects.count() == 1


@every_act
def test_with_one_key_an_act_is_done_once(worked: User, act: Act) -> None:
    key = uuid4()

    first = act(worked, actor=None, reason="test", at=AT, key=key)
    again = act(worked, actor=None, reason="test", at=AT, key=key)

    assert first == again
    assert LedgerEntry.objects.count() == 2


@pytest.mark.parametrize("act", [refund, grant, adjust], ids=lambda act: act.__name__)
def test_without_a_key_each_call_is_an_act_of_its_own(worked: User, act: Act) -> None:
    act(worked, actor=None, reason="test", at=AT)
    act(worked, actor=None, reason="test", at=AT)

    assert LedgerEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("act", "tokens", "refusal", "sentence"),
    [
        (refund, 0, staff.TokensNotPositive, "at least 1 token"),
        (refund, -5, staff.TokensNotPositive, "at least 1 token"),
        (refund, 10**16, staff.TokensTooMany, "more tokens than"),
        (refund, 1001, staff.Refused, "At most 1000 tokens of this charge"),
        (grant, 0, staff.TokensNotPositive, "at least 1 token"),
        (grant, -5, staff.TokensNotPositive, "at least 1 token"),
        (grant, 10**16, staff.TokensTooMany, "more tokens than"),
        (adjust, 0, staff.TokensZero, "changes nothing"),
        (adjust, -(10**16), staff.TokensTooMany, "more tokens than"),
        (adjust, -1001, staff.Refused, "Only 1000 tokens are used"),
    ],
)
def test_figures_that_make_no_sense_are_refused_in_a_sentence(
    worked: User, act: Act, tokens: int, refusal: type[Exception], sentence: str
) -> None:
    with pytest.raises(refusal, match=sentence):
        act(worked, tokens=tokens, actor=None, reason="test", at=AT)

    assert LedgerEntry.objects.count() == 1
    assert factories.figures(worked) == (1000, 500)


def test_how_much_could_be_refunded_goes_with_the_refusal(worked: User) -> None:
    refund(worked, tokens=600, actor=None, reason="test", at=AT)

    with pytest.raises(staff.Refused) as refused:
        refund(worked, tokens=600, actor=None, reason="test", at=AT)

    assert refused.value.most_tokens == 400


def test_a_refund_of_a_refund_is_refused_in_a_sentence(worked: User) -> None:
    entry_id = refund(worked, actor=None, reason="test", at=AT)

    with pytest.raises(staff.Refused, match="Only a charge can be refunded"):
        staff.refund(entry_id=entry_id, tokens=1, actor=None, reason="test", at=AT)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (open_hold, "still open"),
        (captured_hold, "charged meanwhile"),
        (released_hold, "given back before"),
    ],
)
def test_a_hold_that_is_not_due_is_not_written_off(
    alice: User, state: Callable[[User], OpenHold], sentence: str
) -> None:
    one = state(alice)

    with pytest.raises(staff.Refused, match=sentence):
        staff.write_off(hold=one, actor=None, reason="test", at=AT)


def test_a_second_write_off_is_refused(worked: User) -> None:
    write_off(worked, actor=None, reason="test", at=AT)

    with pytest.raises(staff.Refused, match="written off before"):
        write_off(worked, actor=None, reason="test", at=AT)


def test_a_form_of_another_person_is_refused(alice: User, bob: User) -> None:
    key = uuid4()
    grant(alice, actor=None, reason="test", at=AT, key=key)

    with pytest.raises(staff.KeyUsed, match="Open it again"):
        grant(bob, actor=None, reason="test", at=AT, key=key)

    assert factories.balance(bob).granted_tokens == 0


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"max_in_flight": 5}, "more at once [in flight: 3 → 5]"),
        ({"max_in_flight": 3}, "more at once"),
        ({}, "more at once"),
    ],
)
def test_another_number_of_jobs_in_flight_shows_in_the_entry(
    alice: User, given: dict[str, int], reason: str
) -> None:
    entry_id = staff.set_limit(
        user=alice, tokens=10_000, actor=None, reason="more at once", at=AT, **given
    )

    assert LedgerEntry.objects.get(pk=entry_id).reason == reason


def test_a_long_reason_is_cut_and_not_what_was_changed(alice: User) -> None:
    entry_id = staff.set_limit(
        user=alice, tokens=5, actor=None, reason="x" * 600, at=AT, max_in_flight=5
    )

    reason = LedgerEntry.objects.get(pk=entry_id).reason
    assert len(reason) == 500
    assert reason.endswith("x [in flight: 3 → 5]")


def test_suspending_and_resuming_can_be_told_apart(alice: User) -> None:
    suspend(alice, actor=None, reason="a stolen key", at=AT)
    resume(alice, actor=None, reason="a new key", at=AT)

    reasons = LedgerEntry.objects.order_by("seq").values_list("reason", flat=True)
    assert list(reasons) == ["a stolen key [suspended]", "a new key [resumed]"]
    assert not factories.balance(alice).suspended
