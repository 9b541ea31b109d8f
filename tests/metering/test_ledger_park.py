"""A job whose outcome is unknown keeps its tokens and gives up its place."""

import pytest

from accounts.models import User
from metering import ledger
from tests import factories
from tests.factories import AT


def test_a_parked_hold_keeps_its_tokens_and_frees_its_place(alice: User) -> None:
    factories.limit(alice, 10_000, max_in_flight=1)
    (hold,) = factories.hold(alice, 500)

    ledger.park(hold=hold, at=AT)

    assert factories.balance(alice).in_flight == 0
    assert factories.figures(alice) == (0, 500)
    factories.hold(alice, 1)


def test_a_job_is_parked_once_all_its_live_holds_are(alice: User) -> None:
    analysis, video = factories.hold(alice)
    ledger.park(hold=video, at=AT)
    assert factories.balance(alice).in_flight == 1

    ledger.park(hold=analysis, at=AT)

    assert factories.balance(alice).in_flight == 0


def test_an_outcome_that_became_known_takes_its_place_back(alice: User) -> None:
    factories.limit(alice, 10_000, max_in_flight=1)
    (hold,) = factories.hold(alice, 500)
    ledger.park(hold=hold, at=AT)

    ledger.park(hold=hold, at=AT, parked=False)

    with pytest.raises(ledger.TooManyInFlight):
        factories.hold(alice, 1)


def test_a_parked_hold_can_be_released(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.park(hold=hold, at=AT)

    ledger.release(hold=hold, reason="staff", at=AT)

    assert factories.figures(alice) == (0, 0)
    assert factories.row(hold).parked is False


def test_a_closed_hold_is_not_parked(alice: User) -> None:
    (hold,) = factories.hold(alice, 500)
    ledger.release(hold=hold, reason="test", at=AT)

    ledger.park(hold=hold, at=AT)

    assert factories.row(hold).parked is False
