"""The same verbs from many processes at once: once is once, and nobody waits for ever."""

import random
from collections import Counter
from datetime import datetime

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from metering import audit, backlog, ledger, queries
from metering.models import Hold, LedgerEntry, TokenLedger, UsageEvent
from metering.types import OpenHold, Usage
from tests import factories
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES, ROUNDS = 8, 40


def charge(hold: OpenHold, at: datetime) -> tuple[int, int, bool]:
    done = ledger.charge(hold=hold, at=at)
    return done.id, done.tokens, done.repeated


def charge_or_release(hold: OpenHold, at: datetime, wants_charge: bool) -> str:
    """A report races against a release of the same hold."""
    try:
        if wants_charge:
            with transaction.atomic():
                ledger.record_usage(hold=hold, attempt=1, usage=Usage(total_tokens=487), at=at)
            ledger.charge(hold=hold, at=at)
            return "charged"
        ledger.release(hold=hold, reason="race", at=at)
    except (ledger.NotDue, ledger.NotReleasable) as refusal:
        return type(refusal).__name__
    return "released"


def charge_backlog(at: datetime) -> int:
    return backlog.charge_due(at=at)


def live_at_random(user_ids: list[int], at: datetime, seed: int) -> Counter[str]:
    """A few seconds in the life of a worker: every verb, for whoever comes up."""
    dice, done = random.Random(seed), Counter[str]()
    users = list(User.objects.filter(pk__in=user_ids))
    for number in range(ROUNDS):
        user = dice.choice(users)
        try:
            holds = factories.hold(user, 300, 200, key=f"{seed}:{number}", at=at)
        except (ledger.TokenLimitExceeded, ledger.TooManyInFlight) as refusal:
            done[refusal.code] += 1
            factories.limit(user, dice.randint(5_000, 50_000), at=at, max_in_flight=9)
            continue
        for hold in holds:
            done[finish(hold, dice, at)] += 1
    return done


def finish(hold: OpenHold, dice: random.Random, at: datetime) -> str:
    ledger.park(hold=hold, at=at, parked=dice.random() < 0.5)
    if dice.random() < 0.3:
        ledger.release(hold=hold, reason="race", at=at)
        return "released"
    with transaction.atomic():
        ledger.record_usage(
            hold=hold, attempt=1, usage=Usage(total_tokens=dice.randint(1, 400)), at=at
        )
    if dice.random() < 0.2:
        backlog.charge_due(at=at)
        return "due"
    ledger.charge(hold=hold, at=at)
    return "charged"


def test_a_charge_that_sixteen_make_is_made_once(alice: User) -> None:
    at = timezone.now()
    hold = factories.due(alice, 487, at=at)

    answers = together.run(charge, [(hold, at)] * 16)

    entry = LedgerEntry.objects.get()
    assert {(entry_id, tokens) for entry_id, tokens, _ in answers} == {(entry.pk, 487)}
    assert sorted(repeated for *_, repeated in answers) == [False] + [True] * 15
    assert factories.figures(alice, at) == (487, 0)


def test_a_hold_is_charged_or_released_and_never_both(alice: User) -> None:
    at = timezone.now()
    (hold,) = factories.hold(alice, 500, at=at)

    answers = Counter(
        together.run(charge_or_release, [(hold, at, n % 2 == 0) for n in range(PROCESSES)])
    )

    charged = factories.row(hold).state == "captured"
    expected = {"charged", "NotReleasable"} if charged else {"released", "NotDue"}
    assert set(answers) <= expected
    assert factories.figures(alice, at) == (487 if charged else 0, 0)
    assert (
        LedgerEntry.objects.count() == UsageEvent.objects.filter(billable=True).count() == charged
    )


def test_several_beats_make_up_each_charge_once(alice: User, bob: User) -> None:
    at = timezone.now()
    factories.limit(alice, None, at=at, max_in_flight=99)
    factories.limit(bob, 1000, at=at, max_in_flight=99)
    for user in (alice, bob) * 10:
        factories.due(user, 20, held=20, at=at)

    together.run(charge_backlog, [(at,)] * PROCESSES)

    assert backlog.size() == 0
    assert not Hold.objects.filter(charge_attempts__gt=0).exists()
    assert (factories.figures(alice, at), factories.figures(bob, at)) == ((200, 0), (200, 0))
    assert LedgerEntry.objects.filter(kind="charge").count() == 20


def test_every_verb_at_once_for_several_users_never_blocks_and_never_miscounts(
    alice: User, bob: User
) -> None:
    at = timezone.now()
    TokenLedger.objects.update(max_in_flight=9)

    answers = together.run(
        live_at_random, [([alice.pk, bob.pk], at, seed) for seed in range(PROCESSES)]
    )

    backlog.charge_due(at=at)
    total = sum(answers, Counter())
    assert sum(total.values()) >= PROCESSES * ROUNDS
    assert audit.run() == []
    assert not Hold.objects.filter(state__in=queries.LIVE).exists()
    assert not Hold.objects.filter(charge_attempts__gt=0).exists()
    assert LedgerEntry.objects.filter(kind="charge").count() == total["charged"] + total["due"]
