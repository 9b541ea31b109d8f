"""What an operator's Prometheus reads, and who else may not."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import settling

TOKEN = "only-for-tests"


@pytest.fixture
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def read(token: str) -> Any:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})


def test_the_backlog_is_a_number(alice: User, token: str) -> None:
    factories.due(alice, 487)

    text = read(token).content.decode()

    assert "shorts_charge_backlog 1.0" in text
    assert "shorts_spending_paused 0.0" in text


def test_shorts_that_need_a_person_are_counted_by_kind(
    alice: User, token: str, stand_in: StandIn
) -> None:
    settling.unknown(alice, stand_in)

    text = read(token).content.decode()

    assert 'shorts_unsettled{kind="unknown"} 1.0' in text
    assert 'shorts_unsettled{kind="lost"} 0.0' in text


@pytest.mark.parametrize("given", ["", "wrong", "ü"])
def test_without_the_token_there_is_nothing(db: None, token: str, given: str) -> None:
    assert read(given).status_code == 404


def test_with_no_token_set_there_is_nothing_for_anybody(db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = ""

    assert read("").status_code == 404
