"""Every verb at once, over period boundaries: nobody overspends, nobody deadlocks.

SOAK_PROCESSES and SOAK_ROUNDS make the run longer.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from metering import audit, backlog, ledger
from metering.models import Hold, TokenLedger
from metering.types import OpenHold, Usage
from tests import factories
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = int(os.environ.get("SOAK_PROCESSES", "8"))
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "40"))
# Two days before a month ends in Seoul: the rounds, an hour each, cross days, a week and a month.
START = datetime(2026, 11, 28, 15, tzinfo=UTC)
REFUSALS = (
    ledger.TokenLimitExceeded, ledger.TooManyInFlight, ledger.AccountSuspended, ledger.Refused,
    ledger.NotReleasable, ledger.NotDue,
)  # fmt: skip


def sql(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


def deadlocks() -> int:
    """How often PostgreSQL had to break a deadlock in this database."""
    (count,) = sql(
        "SELECT pg_stat_get_db_deadlocks(oid) FROM pg_database WHERE datname = current_database()"
    )
    return int(count)


@pytest.fixture
def watched(transactional_db: None) -> Iterator[None]:
    """The database itself refuses the first instant at which more is used and held than allowed."""
    sql(
        "ALTER TABLE metering_tokenledger ADD CONSTRAINT never_over"
        " CHECK (used + held <= token_limit + granted)"
    )
    yield
    sql("ALTER TABLE metering_tokenledger DROP CONSTRAINT never_over")


def spend(user: User, dice: random.Random, at: datetime) -> str:
    """One job from hold to its end: charged, given back, left due, or written off."""
    holds = factories.hold(user, 300, 200, at=at)
    ends = Counter(end(hold, dice, at + timedelta(hours=dice.randint(0, 9))) for hold in holds)
    return "+".join(sorted(ends))


def end(hold: OpenHold, dice: random.Random, at: datetime) -> str:
    chosen = dice.choice(["release", "charge", "charge", "charge", "backlog", "write_off"])
    if chosen == "release":
        ledger.release(hold=hold, reason="race", at=at)
        return chosen
    ledger.park(hold=hold, at=at, parked=dice.random() < 0.5)
    with transaction.atomic():
        usage = Usage(total_tokens=dice.randint(1, hold.amount))
        ledger.record_usage(hold=hold, attempt=1, usage=usage, at=at)
    if chosen == "write_off":
        ledger.write_off(hold=hold, at=at, **factories.act())
    elif chosen == "backlog":
        backlog.charge_due(at=at)
    elif dice.random() < 0.3:
        charge = ledger.charge(hold=hold, at=at)
        part = dice.randint(1, charge.tokens)
        ledger.refund(entry=charge.id, tokens=part, at=at, **factories.act())
    else:
        ledger.charge(hold=hold, at=at)
    return chosen


def staff_act(user: User, dice: random.Random, at: datetime) -> str:
    """What staff do meanwhile; none of it takes away what is already held."""
    chosen = dice.choice(["grant", "adjust", "suspend", "resume", "resume", "period", "raise"])
    act = factories.act()
    if chosen == "grant":
        ledger.grant(user=user, tokens=dice.randint(1, 900), at=at, **act)
    elif chosen == "adjust":
        ledger.adjust(user=user, tokens=-dice.randint(1, 50), at=at, **act)
    elif chosen == "period":
        ledger.set_period(user=user, period=dice.choice(["day", "week", "month"]), at=at, **act)
    elif chosen == "raise":
        ledger.set_limit(user=user, tokens=10_000, max_in_flight=9, at=at, **act)
    else:
        ledger.suspend(user=user, suspended=chosen == "suspend", at=at, **act)
    return chosen


def live(user_ids: list[int], seed: int) -> Counter[str]:
    """One process: a round an hour, a random user and verb in each."""
    dice, done = random.Random(seed), Counter[str]()
    users = list(User.objects.filter(pk__in=user_ids))
    for number in range(ROUNDS):
        work = staff_act if dice.random() < 0.2 else spend
        try:
            done[work(dice.choice(users), dice, START + timedelta(hours=number))] += 1
        except REFUSALS as refusal:
            done[type(refusal).__name__] += 1
    return done


def test_every_verb_at_once_never_overspends_and_never_deadlocks(
    alice: User, bob: User, staff: User, watched: None
) -> None:
    people = [alice.pk, bob.pk, staff.pk]
    TokenLedger.objects.update(
        token_limit=10_000, max_in_flight=9, period_start=START.date(), period="day"
    )
    before = deadlocks()

    answers = together.run(live, [(people, seed) for seed in range(PROCESSES)])

    done = sum(answers, Counter())
    backlog.charge_due(at=START + timedelta(days=365))
    assert sum(done.values()) == PROCESSES * ROUNDS
    assert done["charge"] > 0
    assert deadlocks() == before
    assert audit.run() == []
    assert not Hold.objects.filter(state="due").exists()


def test_the_watch_would_see_an_overspend(alice: User, watched: None) -> None:
    with pytest.raises(Exception, match="never_over"), transaction.atomic():
        TokenLedger.objects.filter(user=alice).update(used=10_001)

    assert TokenLedger.objects.get(user=alice).used == 0
