"""Staff and a late answer settle one short at the same instant: one of them does, and wholly."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from generation import audit as generation_audit
from generation import states
from generation.models import Short, State
from generation.pipeline import resolve, start, submit
from generation.providers.outcomes import Accepted
from metering import audit, ledger, queries
from metering.models import LedgerEntry
from tests import factories
from tests.concurrency import together

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 5


def unknown(user: User) -> Short:
    """A short whose submit had no clear answer."""
    now = timezone.now()
    short = factories.short(user, State.SUBMIT_UNKNOWN)
    Short.objects.filter(pk=short.pk).update(operation_name="", submitted_at=now)
    quote = start.quote(order=start.Order(), at=now)
    analysis, video = factories.hold(user, quote=quote, job_id=short.pk, at=now)
    ledger.release(hold=analysis, reason="test", at=now)
    ledger.park(hold=video, at=now)
    return short


def release(short_id: UUID, actor: User, key: UUID) -> Any:
    try:
        return resolve.release(
            short_id=short_id, actor=actor, reason="race", at=timezone.now(), key=key
        )
    except resolve.NotWaiting:
        return "too late"


def answer_late(short_id: UUID, actor: User, key: UUID) -> Any:
    """The worker's answer of the same attempt."""
    short = Short.objects.get(pk=short_id)
    hold = queries.latest_hold(job_id=short_id, api_type=factories.VIDEO.api_type)
    assert hold is not None
    try:
        with transaction.atomic():
            submit.record(short=short, hold=hold, outcome=Accepted(str(key)), at=timezone.now())
    except states.Superseded:
        return "too late"
    return "rendering"


def act(what: str, short_id: UUID, actor: User, key: UUID) -> Any:
    acts = {"release": release, "answer": answer_late}
    return acts[what](short_id, actor, key)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_one_decision_or_the_evidence_and_never_both(alice: User, bob: User, _round: int) -> None:
    short = unknown(alice)

    answers = together.run(
        act, [(what, short.pk, bob, uuid4()) for what in ("release", "answer", "release", "answer")]
    )

    short.refresh_from_db()
    entries = LedgerEntry.objects.filter(kind="resolution").count()
    live = queries.live_jobs(job_ids=[short.pk])
    assert answers.count("too late") == 3
    assert (short.state, entries, len(live)) in [("failed", 1, 0), ("rendering", 0, 1)]
    assert audit.run(extra=generation_audit.INVARIANTS) == []


def test_one_form_sent_at_once_is_one_decision(alice: User, bob: User) -> None:
    short, key = unknown(alice), uuid4()

    answers = together.run(release, [(short.pk, bob, key)] * 4)

    assert len(set(answers)) == 1
    assert LedgerEntry.objects.filter(kind="resolution").count() == 1
