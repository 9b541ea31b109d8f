"""The receipt of a job: estimated, held, used, charged, given back, and why."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from accounts.models import User
from metering import ledger, receipts
from metering.models import LedgerEntry
from metering.types import Usage
from tests import factories
from tests.factories import AT


def test_a_finished_short_shows_what_was_held_charged_and_given_back(alice: User) -> None:
    job_id = factories.short_charged(alice)

    receipt = receipts.receipt(job_id=job_id)

    assert (receipt.held_tokens, receipt.charged_tokens) == (1500, 1487)
    assert (receipt.returned_tokens, receipt.refunded_tokens) == (13, 0)
    assert [leg.state for leg in receipt.legs] == ["captured", "captured"]


def test_many_receipts_are_read_like_one(
    alice: User, bob: User, django_assert_num_queries: Any
) -> None:
    first, second, unknown = factories.short_charged(alice), factories.short_charged(bob), uuid4()
    one_by_one = {job_id: receipts.receipt(job_id=job_id) for job_id in (first, second, unknown)}

    with django_assert_num_queries(2):
        found = receipts.receipts_of(job_ids=[first, second, unknown])

    assert found == one_by_one
    assert [len(found[job_id].legs) for job_id in (first, second, unknown)] == [2, 2, 0]


def test_an_analysis_shows_its_raw_counts(alice: User) -> None:
    job_id = factories.short_charged(alice)

    analysis = receipts.receipt(job_id=job_id).legs[0]

    assert (analysis.api_type, analysis.basis) == ("gemini-image-analysis", "reported")
    assert (analysis.estimated_tokens, analysis.charged_tokens) == (500, 487)
    assert (analysis.usd, analysis.quoted_usd, analysis.formula) == (None, None, "487 × 1")
    assert analysis.usage == {
        "prompt": 310, "candidates": 97, "thoughts": 80, "cached": 0, "total": 487,
    }  # fmt: skip


def test_a_video_shows_seconds_tariff_and_rate(alice: User) -> None:
    job_id = factories.short_charged(alice)

    video = receipts.receipt(job_id=job_id).legs[1]

    assert (video.label, video.model) == ("Veo 3.1 Fast", "veo-3.1-fast-generate-001")
    assert (video.usd, video.quoted_usd) == (Decimal("1.20"), Decimal("1.20"))
    assert video.formula == "8 s × $0.15 × 833"
    assert video.usage == {"seconds": 8, "resolution": "720p"}
    assert LedgerEntry.objects.get(pk=video.entry_id).tokens == 1000


def test_a_job_may_be_named_as_the_api_writes_it(alice: User) -> None:
    job_id = factories.short_charged(alice)

    assert receipts.receipt(job_id=str(job_id)) == receipts.receipt(job_id=job_id)


def test_counts_that_were_not_reported_are_not_made_up(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.record_usage(hold=hold, attempt=1, usage=Usage(prompt_tokens=310), at=AT)
    ledger.charge(hold=hold, at=AT)

    (leg,) = receipts.receipt(job_id=hold.job_id).legs

    assert (leg.basis, leg.charged_tokens) == ("derived", 310)
    assert leg.usage == {
        "prompt": 310, "candidates": None, "thoughts": None, "cached": None, "total": None,
    }  # fmt: skip


def test_a_job_under_way_has_charged_and_returned_nothing(alice: User) -> None:
    job_id = uuid4()
    _, video = factories.hold(alice, job_id=job_id)
    ledger.park(hold=video, at=AT)

    receipt = receipts.receipt(job_id=job_id)

    assert (receipt.held_tokens, receipt.charged_tokens, receipt.returned_tokens) == (1500, 0, 0)
    assert [(leg.state, leg.parked) for leg in receipt.legs] == [("open", False), ("open", True)]
    assert receipt.legs[1].entry_id is receipt.legs[1].usage is receipt.legs[1].formula is None


def test_a_charge_that_is_still_to_be_made_is_not_shown_as_made(alice: User) -> None:
    hold = factories.due(alice)

    (leg,) = receipts.receipt(job_id=hold.job_id).legs

    assert (leg.state, leg.charged_tokens, leg.returned_tokens) == ("due", 0, 0)


def test_a_released_leg_was_given_back_whole(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.release(hold=hold, reason="test", at=AT)

    (leg,) = receipts.receipt(job_id=hold.job_id).legs

    assert (leg.state, leg.charged_tokens, leg.returned_tokens) == ("released", 0, 500)


def test_a_charge_above_its_hold_returns_nothing(alice: User) -> None:
    charge = factories.charged(alice, 9000, held=500)

    receipt = receipts.receipt(job_id=factories.entry(charge).job_id)

    assert (receipt.held_tokens, receipt.charged_tokens, receipt.returned_tokens) == (500, 9000, 0)


def test_a_refund_stands_beside_the_charge(alice: User) -> None:
    charge = factories.entry(factories.charged(alice, 487))
    ledger.refund(entry=charge.pk, tokens=400, at=AT, **factories.act())

    (leg,) = receipts.receipt(job_id=charge.job_id).legs

    assert (leg.charged_tokens, leg.refunded_tokens, leg.returned_tokens) == (487, 400, 13)


def test_a_leg_that_was_written_off_was_given_back_whole(alice: User) -> None:
    hold = factories.due(alice, 487, held=500)
    ledger.write_off(hold=hold, at=AT, **factories.act())

    (leg,) = receipts.receipt(job_id=hold.job_id).legs

    assert (leg.state, leg.charged_tokens, leg.returned_tokens) == ("written_off", 0, 500)


def test_a_receipt_takes_two_queries(
    alice: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    job_id = factories.short_charged(alice)

    with django_assert_num_queries(2):
        receipts.receipt(job_id=job_id)


def test_an_unknown_job_has_an_empty_receipt(db: None) -> None:
    receipt = receipts.receipt(job_id=uuid4())

    assert (receipt.legs, receipt.held_tokens, receipt.charged_tokens) == ((), 0, 0)
