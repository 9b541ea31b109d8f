"""What a provider reported is kept, and its hold becomes due: from then on it is charged."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from metering import ledger
from metering.models import UsageEvent
from metering.types import Usage
from tests import factories
from tests.factories import AT


def test_a_report_makes_its_hold_due(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    priced = ledger.record_usage(hold=hold, attempt=1, usage=factories.REPORTED, at=AT)

    assert (priced.tokens, priced.basis) == (487, "reported")
    assert (factories.row(hold).state, factories.row(hold).charge_after) == ("due", AT)
    assert factories.figures(alice) == (0, 500)


def test_the_raw_figures_are_kept(alice: User) -> None:
    (hold,) = factories.hold(alice, quote=factories.quote_for(factories.ANALYSIS))
    usage = Usage(
        prompt_tokens=310, candidates_tokens=97, thoughts_tokens=80, cached_tokens=12,
        total_tokens=487, provider_id="response-1",
    )  # fmt: skip

    ledger.record_usage(hold=hold, attempt=4, usage=usage, at=AT)

    event = UsageEvent.objects.get()
    assert (event.prompt_tokens, event.candidates_tokens, event.thoughts_tokens) == (310, 97, 80)
    assert (event.cached_tokens, event.total_tokens, event.provider_id) == (12, 487, "response-1")
    assert (event.user_id, event.hold_id, event.attempt) == (alice.pk, hold.id, 4)
    assert (event.job_id, event.api_type) == (hold.job_id, "gemini-image-analysis")
    assert (event.billable, event.tokens, event.created_at) == (True, 487, AT)


def test_what_was_not_reported_stays_unknown(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    ledger.record_usage(hold=hold, attempt=1, usage=Usage(), at=AT)

    event = UsageEvent.objects.get()
    assert (event.prompt_tokens, event.total_tokens, event.seconds) == (None, None, None)
    assert (event.basis, event.tokens) == ("estimated", 500)


def test_a_video_is_kept_with_its_seconds_and_dollars(alice: User) -> None:
    (hold,) = factories.hold(alice, quote=factories.quote_for(factories.VIDEO))

    ledger.record_usage(hold=hold, attempt=1, usage=factories.RENDERED, at=AT)

    event = UsageEvent.objects.get()
    assert (event.seconds, event.resolution, event.basis) == (8, "720p", "reported")
    assert (event.tokens, event.usd, event.cost_usd) == (1000, Decimal("1.20"), Decimal("0.80"))


def test_the_same_attempt_again_is_one_event(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=487), at=AT)

    ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=9000), at=AT)

    assert UsageEvent.objects.get().tokens == 487
    assert ledger.charge(hold=hold, at=AT).tokens == 487


def test_only_the_first_billable_report_is_charged(alice: User) -> None:
    hold = factories.due(alice, 487)

    ledger.record_usage(hold=hold, attempt=2, usage=Usage(total_tokens=9000), at=AT)

    late = UsageEvent.objects.get(attempt=2)
    assert (late.billable, late.tokens) == (False, 9000)
    assert ledger.charge(hold=hold, at=AT).tokens == 487


def test_an_attempt_without_a_usable_answer_leaves_the_hold_open(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    ledger.record_usage(hold=hold, attempt=1, usage=Usage(), at=AT, billable=False)

    assert factories.row(hold).state == "open"
    assert UsageEvent.objects.get().cost_usd == Decimal("0.001875")


def test_the_next_attempt_may_still_be_charged(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(), at=AT, billable=False)

    ledger.record_usage(hold=hold, attempt=2, usage=Usage(total_tokens=487), at=AT)

    assert ledger.charge(hold=hold, at=AT).tokens == 487


def test_evidence_after_a_release_is_kept_and_charges_nothing(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.release(hold=hold, reason="test", at=AT)

    ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=487), at=AT)

    assert UsageEvent.objects.get().billable is False
    with pytest.raises(ledger.NotDue):
        ledger.charge(hold=hold, at=AT)
    assert factories.figures(alice) == (0, 0)


def test_evidence_after_a_charge_is_kept_and_charges_nothing(alice: User) -> None:
    hold = factories.due(alice, 487)
    ledger.charge(hold=hold, at=AT)

    ledger.record_usage(
        hold=hold, attempt=2, usage=Usage(total_tokens=50), at=AT + timedelta(hours=1)
    )

    assert UsageEvent.objects.get(attempt=2).billable is False
    assert factories.figures(alice) == (487, 0)


def test_a_long_provider_id_is_cut(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)

    ledger.record_usage(hold=hold, attempt=1, usage=Usage(provider_id="x" * 999), at=AT)

    assert UsageEvent.objects.get().provider_id == "x" * 300
