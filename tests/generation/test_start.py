"""What happens between the click and the first spend."""

import uuid
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.utils import timezone

from accounts.models import User
from generation import gates, pictures
from generation.models import ModelGate, Short, State
from generation.pipeline import bell, start
from metering import ledger, queries, rates, spending, staff
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.pictures import jpeg


def stored_pictures() -> set[str]:
    if not default_storage.exists("pictures"):
        return set()
    return set(default_storage.listdir("pictures")[1])


def unheard(**given: object) -> None:
    raise OperationalError("the connection is lost")


def limit(user: User, tokens: int | None) -> None:
    staff.set_limit(user=user, tokens=tokens, actor=None, reason="test", at=timezone.now())


def test_an_order_holds_the_whole_price_and_stores_the_short(alice: User) -> None:
    short = driving.begin(alice, seconds=8, wish="slow pan")

    balance = queries.balance(user=alice, at=timezone.now())
    assert short.state == State.QUEUED
    assert (balance.held_tokens, balance.used_tokens, balance.in_flight) == (1500, 0, 1)
    assert f"{short.pk}.jpg" in stored_pictures()


def test_one_token_too_few_starts_and_stores_nothing(alice: User) -> None:
    limit(alice, 1499)
    before = stored_pictures()

    with pytest.raises(ledger.TokenLimitExceeded) as refusal:
        driving.begin(alice, seconds=8)

    assert refusal.value.remaining_tokens == 1499
    assert not Short.objects.exists()
    assert not Hold.objects.exists()
    assert stored_pictures() == before


def test_just_enough_tokens_are_enough(alice: User) -> None:
    limit(alice, 1500)

    short = driving.begin(alice, seconds=8)

    assert short.state == State.QUEUED
    assert queries.balance(user=alice, at=timezone.now()).available_tokens == 0


def test_the_fourth_short_at_once_has_to_wait(alice: User) -> None:
    first = [driving.begin(alice), driving.begin(alice), driving.begin(alice)]

    with pytest.raises(ledger.TooManyInFlight) as refusal:
        driving.begin(alice)

    assert len(first) == refusal.value.max_in_flight == refusal.value.in_flight


def test_a_key_used_twice_gives_the_first_short(alice: User) -> None:
    order = start.Order(seconds=4, idempotency_key="k", request_hash="a")
    picture = pictures.prepare(upload=BytesIO(jpeg(width=160, height=90)))
    first = start.run(user=alice, picture=picture, order=order, at=timezone.now())

    again = start.run(user=alice, picture=picture, order=order, at=timezone.now())

    assert again.repeated
    assert again.short.pk == first.short.pk
    assert Hold.objects.count() == 2


def test_a_key_used_for_another_request_is_a_conflict(alice: User) -> None:
    driving.begin(alice, idempotency_key="k", request_hash="a")

    with pytest.raises(start.IdempotencyConflict):
        driving.begin(alice, idempotency_key="k", request_hash="b")

    assert Short.objects.count() == 1


def test_two_users_may_use_the_same_key(alice: User, bob: User) -> None:
    hers = driving.begin(alice, idempotency_key="k", request_hash="a")
    his = driving.begin(bob, idempotency_key="k", request_hash="b")

    assert hers.pk != his.pk


@pytest.mark.django_db(transaction=True)
def test_an_order_whose_commit_was_not_heard_of_is_made_all_the_same(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(bell, "ring_now", unheard)
        with pytest.raises(start.OutcomeUnknown):
            driving.begin(alice, idempotency_key="k", request_hash="a")

    again = driving.begin(alice, idempotency_key="k", request_hash="a")

    assert Short.objects.count() == 1
    assert driving.step(again).state == State.RENDERING


def test_a_refusal_does_not_burn_the_key(alice: User) -> None:
    limit(alice, 100)
    with pytest.raises(ledger.TokenLimitExceeded):
        driving.begin(alice, idempotency_key="k", request_hash="a")
    limit(alice, 5000)

    short = driving.begin(alice, idempotency_key="k", request_hash="a")

    assert short.state == State.QUEUED


@pytest.mark.parametrize(
    ("choices", "parameter"),
    [
        ({"seconds": 5}, "seconds"),
        ({"resolution": "999p"}, "resolution"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio"),
    ],
)
def test_what_no_model_takes_is_refused_before_the_hold(
    alice: User, choices: dict[str, object], parameter: str
) -> None:
    with pytest.raises(start.InvalidChoice) as refusal:
        driving.begin(alice, **choices)

    assert refusal.value.parameter == parameter
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    ("model", "resolution"),
    [
        ("veo-3.1-lite-generate-001", "4k"),
        ("veo-3.0-fast-generate-001", "720p"),
        ("gemini-3.8-flash", "720p"),
        ("no-such-model", "720p"),
    ],
)
def test_what_has_no_price_in_force_is_refused(alice: User, model: str, resolution: str) -> None:
    with pytest.raises(rates.UnpricedModel):
        driving.begin(alice, model=model, resolution=resolution)

    assert not Hold.objects.exists()


@pytest.mark.parametrize("model", ["gemini-3.8-flash", "veo-3.1-fast-generate-001"])
def test_a_closed_model_takes_no_new_order(alice: User, model: str) -> None:
    ModelGate.objects.create(route="enterprise", model=model, closed_at=timezone.now())

    with pytest.raises(gates.ModelClosed):
        driving.begin(alice)

    assert not Hold.objects.exists()


def test_the_operators_daily_budget_stops_new_orders(alice: User, bob: User, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal("1.00")
    driving.begin(alice, seconds=8)

    with pytest.raises(spending.SpendingPaused):
        driving.begin(bob, seconds=8)

    assert queries.balance(user=bob, at=timezone.now()).held_tokens == 0


def test_the_shape_follows_the_picture_unless_it_is_chosen(alice: User) -> None:
    tall = jpeg(width=90, height=160)

    as_it_is = driving.begin(alice, picture=tall)
    chosen = driving.begin(alice, picture=tall, aspect_ratio="16:9")

    assert (as_it_is.aspect_ratio, chosen.aspect_ratio) == ("9:16", "16:9")


def test_a_new_short_has_an_id_that_sorts_by_time(alice: User) -> None:
    first, second = driving.begin(alice), driving.begin(alice)

    assert first.pk < second.pk
    assert uuid.UUID(str(first.pk)).version == 7
    assert first.created_at <= second.created_at + timedelta(0)
