"""The broker and the database go away while a short is under way, and come back: it only waits."""

from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection

from accounts.models import User
from generation.models import State
from shortsproject.local import postgres, valkey
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.journeys.test_killed_worker import assert_paid_once, make_due, state_of
from tests.processes import Stack, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_broker_that_is_emptied_during_a_call_changes_nothing(
    alice: User, stack: Stack, stand_in: StandIn, settings: Any
) -> None:
    stand_in.next("analyse", hold=True)
    stack.worker(processes=1)
    stack.beat()
    short = driving.begin(alice)
    stand_in.wait_held("analyse", timeout=40)

    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.flushdb()
    stand_in.release("analyse")
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert_paid_once(short, stand_in)
    assert stand_in.counts()["calls"]["analyse"] == 1


def test_a_broker_that_is_restarted_during_a_call_only_costs_time(
    alice: User, stack: Stack, own_broker: Path, stand_in: StandIn
) -> None:
    stand_in.next("submit", hold=True)
    stack.worker(processes=1)
    stack.beat()
    short = driving.begin(alice)
    make_due(short)
    stand_in.wait_held("submit", timeout=40)

    valkey.stop(own_broker)
    stand_in.release("submit")
    wait_for(lambda: state_of(short) == State.RENDERING, what="the record")
    assert valkey.start(own_broker) == stack.environment["REDIS_URL"]
    make_due(short)
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert_paid_once(short, stand_in)


@pytest.mark.parametrize("call", ["analyse", "submit", "poll"])
def test_a_database_that_is_restarted_during_a_call_still_gets_its_answer(
    own_database: Path, stack: Stack, stand_in: StandIn, call: str
) -> None:
    stand_in.next(call, hold=True)
    stack.worker(processes=1)
    stack.beat()
    alice = User.objects.create_user("alice@example.org", "correct horse")
    short = driving.begin(alice)
    stand_in.wait_held(call, timeout=40)

    postgres.stop(own_database)
    stand_in.release(call)
    assert postgres.start(own_database, durable=False) == stack.environment["DATABASE_URL"]
    connection.close()
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert_paid_once(short, stand_in)
    assert stand_in.counts()["calls"]["analyse"] == 1
