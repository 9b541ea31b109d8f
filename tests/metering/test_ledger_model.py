"""The ledger beside a model of it that a child could check, driven at random.

The model keeps a plain list of entries and holds and sums them; it knows nothing of counters. After
every step both must show the same figures, and the books must prove themselves. LEDGER_EXAMPLES and
LEDGER_STEPS make the run longer, LEDGER_PARTS splits it so that several processes can share it.
"""

import os
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from metering import audit, backlog, ledger, queries
from metering.models import Hold, LedgerEntry
from metering.types import OpenHold, Usage
from tests import factories

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "15"))
STEPS = int(os.environ.get("LEDGER_STEPS", "50"))
PARTS = int(os.environ.get("LEDGER_PARTS", "1"))

KINDS = ("month", "week", "day", "lifetime")
# How often each step is taken: often enough that holds live, wait, and cross into other periods.
WEIGHTS = {
    "hold": 6, "hold_the_rest": 1, "hold_again": 1, "record_usage": 5, "record_no_answer": 1,
    "charge": 5, "charge_backlog": 1, "release": 3, "park": 2, "track": 1, "pass_hours": 2,
    "pass_into_another_period": 3, "set_limit": 1, "set_period": 1, "grant": 2, "refund": 1,
    "adjust": 1, "write_off": 1, "suspend": 1,
}  # fmt: skip


@dataclass
class TrueHold:
    """A hold as it should stand."""

    real: OpenHold
    period: date
    key: str
    state: str = "open"
    parked: bool = False
    attempts: int = 0
    reported: int = 0

    @property
    def is_live(self) -> bool:
        return self.state in ("open", "due")


@dataclass
class TrueCharge:
    """A charge, and what of it is still to refund."""

    entry_id: int
    left: int
    period: date


@dataclass
class Person:
    """A user's ledger as it should stand: lists, and sums over them."""

    user: User
    start: date = date(2026, 1, 1)
    kind: str = "month"
    limit: int | None = 10_000
    places: int = 3
    suspended: bool = False
    holds: list[TrueHold] = field(default_factory=list)
    entries: list[tuple[str, int, date]] = field(default_factory=list)
    grants: list[tuple[int, date]] = field(default_factory=list)
    charges: list["TrueCharge"] = field(default_factory=list)
    tracked: dict[str, int] = field(default_factory=dict)

    def period(self, day: date) -> date:
        first = {
            "month": day.replace(day=1),
            "week": day - timedelta(days=day.isoweekday() - 1),
            "day": day,
            "lifetime": self.start,
        }[self.kind]
        return max(self.start, first)

    def used(self, day: date) -> int:
        return self.used_in(self.period(day))

    def used_in(self, start: date) -> int:
        return sum(tokens for _, tokens, period in self.entries if period == start)

    def granted(self, day: date) -> int:
        return sum(tokens for tokens, period in self.grants if period == self.period(day))

    def held(self, day: date) -> int:
        live = (hold for hold in self.holds if hold.is_live)
        return sum(hold.real.amount for hold in live if hold.period == self.period(day))

    def in_flight(self) -> set[UUID]:
        return {hold.real.job_id for hold in self.holds if hold.is_live and not hold.parked}

    def remaining(self, day: date) -> int | None:
        return None if self.limit is None else self.limit + self.granted(day) - self.used(day)

    def refusal(self, *, need: int, job_id: UUID, day: date) -> type[Exception] | None:
        remaining = self.remaining(day)
        if self.suspended:
            return ledger.AccountSuspended
        if remaining is not None and need > remaining - self.held(day):
            return ledger.TokenLimitExceeded
        if len(self.in_flight() - {job_id}) >= self.places:
            return ledger.TooManyInFlight
        return None


class LedgerMachine(RuleBasedStateMachine):
    """Two people, one clock, and every verb there is."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.at: datetime = factories.AT
        self.people = {name: Person(user=self.new_user(name)) for name in ("alice", "bob")}

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    def new_user(self, name: str) -> User:
        user = User.objects.create_user(f"{name}@example.net", "correct horse")
        return factories.open_since(user)

    @rule(
        step=st.sampled_from([step for step, weight in WEIGHTS.items() for _ in range(weight)]),
        who=st.sampled_from(["alice", "bob"]),
        number=st.integers(min_value=0, max_value=999),
        tokens=st.integers(min_value=1, max_value=3000),
    )
    def take(self, step: str, who: str, number: int, tokens: int) -> None:
        """One step. The number chooses where there is something to choose."""
        getattr(self, step)(self.people[who], number, tokens)

    @property
    def today(self) -> date:
        return (self.at + timedelta(hours=9)).date()

    def written(self, person: Person) -> date:
        """Whatever writes a ledger first rolls it over, for good."""
        person.start = person.period(self.today)
        return person.start

    def noted(self, person: Person, kind: str, tokens: int = 0) -> None:
        person.entries.append((kind, tokens, self.written(person)))

    def one(self, person: Person, number: int, *, likely: str) -> TrueHold | None:
        """Any hold; mostly one in the likely state, because that is where something happens."""
        chosen = [hold for hold in person.holds if hold.state == likely]
        holds = chosen if chosen and number % 4 else person.holds
        return holds[number // 4 % len(holds)] if holds else None

    def hold(self, person: Person, number: int, tokens: int) -> None:
        self.hold_legs(person, [tokens, 500] if number % 2 else [tokens])

    def hold_the_rest(self, person: Person, number: int, tokens: int) -> None:
        """The last token may be held, and one more may not."""
        left = (person.remaining(self.today) or 0) - person.held(self.today) + number % 2
        if left > 0:
            self.hold_legs(person, [left])

    def hold_legs(self, person: Person, legs: list[int]) -> None:
        job_id, key = uuid4(), str(uuid4())
        refusal = person.refusal(need=sum(legs), job_id=job_id, day=self.today)
        order: dict[str, Any] = {"job_id": job_id, "key": key, "at": self.at}
        if refusal:
            with pytest.raises(refusal):
                factories.hold(person.user, *legs, **order)
            return
        made = factories.hold(person.user, *legs, **order)
        period = self.written(person)
        person.holds += [TrueHold(real=real, period=period, key=key) for real in made]

    def hold_again(self, person: Person, number: int, tokens: int) -> None:
        if chosen := self.one(person, number, likely="open"):
            first = [hold.real for hold in person.holds if hold.key == chosen.key]
            order: dict[str, Any] = {"job_id": chosen.real.job_id, "key": chosen.key}
            assert list(factories.hold(person.user, tokens, at=self.at, **order)) == first

    def record_usage(self, person: Person, number: int, tokens: int, paid: bool = True) -> None:
        hold = self.one(person, number, likely="open")
        if hold is None:
            return
        hold.attempts += 1
        ledger.record_usage(
            hold=hold.real, attempt=hold.attempts, usage=Usage(total_tokens=tokens), at=self.at,
            billable=paid,
        )  # fmt: skip
        if paid and hold.state == "open":
            hold.state, hold.reported = "due", tokens

    def record_no_answer(self, person: Person, number: int, tokens: int) -> None:
        self.record_usage(person, number, tokens, paid=False)

    def charge(self, person: Person, number: int, tokens: int) -> None:
        hold = self.one(person, number, likely="due")
        if hold is None:
            return
        if hold.state not in ("due", "captured"):
            with pytest.raises(ledger.NotDue):
                ledger.charge(hold=hold.real, at=self.at)
            return
        done = ledger.charge(hold=hold.real, at=self.at)
        assert (done.tokens, done.repeated) == (hold.reported, hold.state == "captured")
        self.charged(person, hold, done.id)
        assert done.remaining_tokens == person.remaining(self.today)

    def charged(self, person: Person, hold: TrueHold, entry_id: int) -> None:
        if hold.state == "due":
            hold.state, hold.parked = "captured", False
            person.entries.append(("charge", hold.reported, hold.period))
            person.charges.append(TrueCharge(entry_id, hold.reported, hold.period))
            self.written(person)

    def charge_backlog(self, *_: Any) -> None:
        due = queries.due_holds(at=self.at, most=backlog.BATCH)
        assert backlog.charge_due(at=self.at) == len(due)
        for real in due:
            (person,) = [p for p in self.people.values() if p.user.pk == real.user_id]
            (hold,) = [hold for hold in person.holds if hold.real.id == real.id]
            entry = LedgerEntry.objects.get(hold_id=real.id, kind="charge")
            self.charged(person, hold, entry.pk)

    def release(self, person: Person, number: int, tokens: int) -> None:
        hold = self.one(person, number, likely="open")
        if hold is None:
            return
        if hold.state not in ("open", "released"):
            with pytest.raises(ledger.NotReleasable):
                ledger.release(hold=hold.real, reason="model", at=self.at)
            return
        ledger.release(hold=hold.real, reason="model", at=self.at)
        if hold.state == "open":
            hold.state, hold.parked = "released", False
            self.written(person)

    def park(self, person: Person, number: int, tokens: int) -> None:
        if hold := self.one(person, number, likely="open"):
            parked = tokens % 2 == 0
            ledger.park(hold=hold.real, at=self.at, parked=parked)
            hold.parked = parked and hold.is_live

    def track(self, person: Person, number: int, tokens: int) -> None:
        key = f"{person.user.pk}:{number % 8}"
        done = ledger.track_token_usage(
            user=person.user, api_type=factories.ANALYSIS.api_type, model=factories.ANALYSIS.model,
            usage=Usage(total_tokens=tokens), key=key, at=self.at,
        )  # fmt: skip
        assert done.repeated == (key in person.tracked)
        if not done.repeated:
            person.tracked[key] = tokens
            self.noted(person, "charge", tokens)
            person.charges.append(TrueCharge(done.id, tokens, person.start))
        assert done.tokens == person.tracked[key]

    def pass_hours(self, person: Person, number: int, tokens: int) -> None:
        """Clocks of several machines differ, so time may also go back a little."""
        self.at += timedelta(hours=number % 85 - 12)

    def pass_into_another_period(self, person: Person, number: int, tokens: int) -> None:
        self.at += timedelta(days=5 + number % 40)

    def set_limit(self, person: Person, number: int, tokens: int) -> None:
        limit = None if number % 5 == 0 else tokens * 4
        factories.limit(person.user, limit, at=self.at, max_in_flight=number % 6)
        person.limit, person.places = limit, number % 6
        self.noted(person, "limit")

    def set_period(self, person: Person, number: int, tokens: int) -> None:
        kind = KINDS[number % 4]
        ledger.set_period(user=person.user, period=kind, at=self.at, **factories.act())
        self.written(person)
        person.kind = kind
        self.noted(person, "limit")

    def grant(self, person: Person, number: int, tokens: int) -> None:
        ledger.grant(user=person.user, tokens=tokens, at=self.at, **factories.act())
        self.noted(person, "grant")
        person.grants.append((tokens, person.start))

    def refund(self, person: Person, number: int, tokens: int) -> None:
        if not person.charges:
            return
        charge = person.charges[number % len(person.charges)]
        give: dict[str, Any] = {"entry": charge.entry_id, "at": self.at}
        with pytest.raises(ledger.Refused):
            ledger.refund(tokens=charge.left + 1, **give, **factories.act())
        tokens = min(tokens, charge.left, person.used_in(charge.period))
        if tokens > 0:
            ledger.refund(tokens=tokens, **give, **factories.act())
            charge.left -= tokens
            person.entries.append(("refund", -tokens, charge.period))
            self.written(person)

    def adjust(self, person: Person, number: int, tokens: int) -> None:
        tokens = -tokens if number % 2 else tokens
        change: dict[str, Any] = {"user": person.user, "tokens": tokens, "at": self.at}
        if person.used(self.today) + tokens < 0:
            with pytest.raises(ledger.Refused):
                ledger.adjust(**change, **factories.act())
            return
        ledger.adjust(**change, **factories.act())
        self.noted(person, "adjustment", tokens)

    def write_off(self, person: Person, number: int, tokens: int) -> None:
        hold = self.one(person, number, likely="due")
        if hold is None:
            return
        if hold.state != "due":
            with pytest.raises(ledger.Refused):
                ledger.write_off(hold=hold.real, at=self.at, **factories.act())
            return
        ledger.write_off(hold=hold.real, at=self.at, **factories.act())
        hold.state, hold.parked = "written_off", False
        person.entries.append(("write_off", 0, hold.period))
        self.written(person)

    def suspend(self, person: Person, number: int, tokens: int) -> None:
        person.suspended = number % 3 == 0
        ledger.suspend(user=person.user, suspended=person.suspended, at=self.at, **factories.act())
        self.noted(person, "suspension")

    @invariant()
    def figures_agree(self) -> None:
        for person in self.people.values():
            balance = factories.balance(person.user, self.at)
            assert balance.used_tokens == person.used(self.today)
            assert balance.held_tokens == person.held(self.today)
            assert balance.remaining_tokens == person.remaining(self.today)
            assert balance.in_flight == len(person.in_flight())
            assert balance.period_start == person.period(self.today)

    @invariant()
    def entries_agree(self) -> None:
        for person in self.people.values():
            entries = LedgerEntry.objects.filter(user=person.user).order_by("seq")
            assert list(entries.values_list("kind", "tokens", "period_start")) == person.entries

    @invariant()
    def holds_agree(self) -> None:
        rows = Hold.objects.filter(user__in=[p.user for p in self.people.values()])
        assert set(rows.values_list("id", "state", "parked")) == {
            (hold.real.id, hold.state, hold.parked)
            for person in self.people.values()
            for hold in person.holds
        }

    @invariant()
    def books_prove_themselves(self) -> None:
        assert audit.run() == []


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_any_order_of_verbs_leaves_the_figures_of_the_model(part: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES // PARTS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
