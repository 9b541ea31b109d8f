"""An answer comes while the database is away until the lease of its claim is over: it is kept."""

from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import resolve
from shortsproject.local import postgres, valkey
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.journeys.test_killed_worker import assert_paid_once, make_due, state_of
from tests.processes import Stack, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

LOST = "an answer is lost, settle it by hand"


def begin(stack: Stack, stand_in: StandIn, call: str) -> Short:
    """A short of a new user, whose provider holds the answer to this call."""
    stand_in.next(call, hold=True)
    stack.hurried_worker()
    stack.beat()
    short = driving.begin(User.objects.create_user("alice@example.org", "correct horse"))
    # Its bell may have rung at another broker than the worker's.
    Short.objects.filter(pk=short.pk).update(rung_at=None)
    stand_in.wait_held(call, timeout=60)
    return short


def line_of(stack: Stack, words: str) -> str:
    """The one line of the log with these words."""
    (line,) = [line for line in stack.log().splitlines() if words in line]
    return line


@pytest.mark.parametrize("call", ["analyse", "submit"])
def test_an_answer_that_finds_no_database_is_recorded_when_it_is_back(
    own_database: Path, stack: Stack, stand_in: StandIn, call: str
) -> None:
    short = begin(stack, stand_in, call)

    postgres.stop(own_database)
    stand_in.release(call)
    wait_for(lambda: "an answer waits for the database" in stack.log(), what="the broker")
    postgres.start(own_database, durable=False)
    connection.close()
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=90)

    assert_paid_once(short, stand_in)
    assert stand_in.counts()["calls"]["analyse"] == 1
    assert stand_in.counts()["calls"]["submit"] == 1


def test_with_the_broker_away_too_the_log_tells_what_staff_need(
    own_database: Path, own_broker: Path, stack: Stack, stand_in: StandIn, staff: User
) -> None:
    short = begin(stack, stand_in, "submit")
    postgres.stop(own_database)
    valkey.stop(own_broker)
    stand_in.release("submit")
    wait_for(lambda: LOST in stack.log(), what="the line", most_seconds=60)
    postgres.start(own_database, durable=False)
    valkey.start(own_broker)
    connection.close()
    make_due(short)
    wait_for(lambda: state_of(short) == State.SUBMIT_UNKNOWN, what="certainty", most_seconds=60)

    line = line_of(stack, LOST)
    name = line.partition("'operation_name': '")[2].partition("'")[0]
    acted = {"actor": staff, "reason": "as the log says", "at": timezone.now()}
    resolve.resume(short_id=short.pk, operation_name=name, **acted)
    wait_for(lambda: state_of(short) == State.SUCCEEDED, what="the short", most_seconds=60)

    assert_paid_once(short, stand_in)
    assert str(short.pk) in line
    assert stand_in.url not in line
    assert "local-stand-in" not in line
