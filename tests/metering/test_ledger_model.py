"""The ledger beside a model of it that a child could check, driven at random.

The model keeps a plain list of entries and holds and sums them; it knows nothing of counters. After
every step both must show the same figures, and the books must prove themselves. LEDGER_EXAMPLES and
LEDGER_STEPS make the run longer.
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
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from metering import audit, backlog, ledger, queries
from metering.models import Hold, LedgerEntry
from metering.types import OpenHold, Usage
from tests import factories

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "25"))
STEPS = int(os.environ.get("LEDGER_STEPS", "40"))

WHO = st.sampled_from(["alice", "bob"])
ANY = st.integers(min_value=0, max_value=1000)
TOKENS = st.integers(min_value=1, max_value=6000)
LIMITS = st.none() | st.integers(min_value=0, max_value=20_000)
PLACES = st.none() | st.integers(min_value=0, max_value=4)
KINDS = st.sampled_from(["month", "week", "day", "lifetime"])


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

    @property
    def today(self) -> date:
        return (self.at + timedelta(hours=9)).date()

    @property
    def holds(self) -> list[tuple[Person, TrueHold]]:
        return [(person, hold) for person in self.people.values() for hold in person.holds]

    def one(self, any_number: int, *, likely: str = "") -> tuple[Person, TrueHold]:
        """Any hold; mostly one in the likely state, because that is where something happens."""
        chosen = [pair for pair in self.holds if pair[1].state == likely]
        holds = chosen if chosen and any_number % 4 else self.holds
        return holds[-1 - any_number // 4 % len(holds)]

    def written(self, person: Person) -> date:
        """Whatever writes a ledger first rolls it over, for good."""
        person.start = person.period(self.today)
        return person.start

    @rule(who=WHO, legs=st.lists(TOKENS, min_size=1, max_size=2))
    def hold(self, who: str, legs: list[int]) -> None:
        self.hold_legs(self.people[who], legs)

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

    @precondition(lambda self: self.holds)
    @rule(any_hold=ANY)
    def hold_again(self, any_hold: int) -> None:
        person, chosen = self.one(any_hold)
        first = [hold.real for hold in person.holds if hold.key == chosen.key]
        again = factories.hold(
            person.user, 9999, job_id=chosen.real.job_id, key=chosen.key, at=self.at
        )
        assert list(again) == first

    @rule(who=WHO, more=st.integers(min_value=0, max_value=1))
    def hold_the_rest(self, who: str, more: int) -> None:
        """The last token may be held, and one more may not."""
        person = self.people[who]
        left = (person.remaining(self.today) or 0) - person.held(self.today)
        if left + more > 0:
            self.hold_legs(person, [left + more])

    @precondition(lambda self: self.holds)
    @rule(any_hold=ANY, tokens=TOKENS, billable=st.sampled_from([True, True, True, False]))
    def record_usage(self, any_hold: int, tokens: int, billable: bool) -> None:
        _, hold = self.one(any_hold, likely="open")
        hold.attempts += 1
        ledger.record_usage(
            hold=hold.real, attempt=hold.attempts, usage=Usage(total_tokens=tokens), at=self.at,
            billable=billable,
        )  # fmt: skip
        if billable and hold.state == "open":
            hold.state, hold.reported = "due", tokens

    @precondition(lambda self: self.holds)
    @rule(any_hold=ANY)
    def charge(self, any_hold: int) -> None:
        person, hold = self.one(any_hold, likely="due")
        if hold.state not in ("due", "captured"):
            with pytest.raises(ledger.NotDue):
                ledger.charge(hold=hold.real, at=self.at)
            return
        done = ledger.charge(hold=hold.real, at=self.at)
        assert (done.tokens, done.repeated) == (hold.reported, hold.state == "captured")
        self.charged(person, hold, done.entry_id)
        assert done.remaining_tokens == person.remaining(self.today)

    def charged(self, person: Person, hold: TrueHold, entry_id: int) -> None:
        if hold.state == "due":
            hold.state, hold.parked = "captured", False
            person.entries.append(("charge", hold.reported, hold.period))
            person.charges.append(TrueCharge(entry_id, hold.reported, hold.period))
            self.written(person)

    @precondition(lambda self: self.holds)
    @rule()
    def charge_backlog(self) -> None:
        due = queries.due_holds(at=self.at, most=backlog.BATCH)
        assert backlog.charge_due(at=self.at) == len(due)
        for real in due:
            (mine,) = [pair for pair in self.holds if pair[1].real.id == real.id]
            self.charged(*mine, LedgerEntry.objects.get(hold_id=real.id, kind="charge").pk)

    @precondition(lambda self: self.holds)
    @rule(any_hold=ANY)
    def release(self, any_hold: int) -> None:
        person, hold = self.one(any_hold, likely="open")
        if hold.state not in ("open", "released"):
            with pytest.raises(ledger.NotReleasable):
                ledger.release(hold=hold.real, reason="model", at=self.at)
            return
        ledger.release(hold=hold.real, reason="model", at=self.at)
        if hold.state == "open":
            hold.state, hold.parked = "released", False
            self.written(person)

    @precondition(lambda self: self.holds)
    @rule(any_hold=ANY, parked=st.booleans())
    def park(self, any_hold: int, parked: bool) -> None:
        _, hold = self.one(any_hold, likely="open")
        ledger.park(hold=hold.real, at=self.at, parked=parked)
        if hold.is_live:
            hold.parked = parked

    @rule(who=WHO, tokens=LIMITS, places=PLACES)
    def set_limit(self, who: str, tokens: int | None, places: int | None) -> None:
        person = self.people[who]
        factories.limit(person.user, tokens, at=self.at, max_in_flight=places)
        person.limit = tokens
        person.places = person.places if places is None else places
        person.entries.append(("limit", 0, self.written(person)))

    @rule(who=WHO, tokens=TOKENS, key=st.sampled_from("abcdefgh"))
    def track(self, who: str, tokens: int, key: str) -> None:
        person = self.people[who]
        key = f"{who}:{key}"
        done = ledger.track_token_usage(
            user=person.user, api_type=factories.ANALYSIS.api_type, model=factories.ANALYSIS.model,
            usage=Usage(total_tokens=tokens), key=key, at=self.at,
        )  # fmt: skip
        assert done.repeated == (key in person.tracked)
        if not done.repeated:
            person.tracked[key] = tokens
            person.entries.append(("charge", tokens, self.written(person)))
            person.charges.append(TrueCharge(done.entry_id, tokens, person.start))
        assert done.tokens == person.tracked[key]

    @rule(hours=st.integers(min_value=-12, max_value=72))
    def pass_time(self, hours: int) -> None:
        """Clocks of several machines differ, so time may also go back a little."""
        self.at += timedelta(hours=hours)

    @rule(days=st.integers(min_value=5, max_value=45))
    def pass_into_another_period(self, days: int) -> None:
        self.at += timedelta(days=days)

    @precondition(lambda self: any(person.charges for person in self.people.values()))
    @rule(any_charge=ANY, tokens=TOKENS)
    def refund(self, any_charge: int, tokens: int) -> None:
        everyone = self.people.values()
        charges = [(person, charge) for person in everyone for charge in person.charges]
        person, charge = charges[any_charge % len(charges)]
        most = min(charge.left, person.used_in(charge.period))
        give = {"entry_id": charge.entry_id, "at": self.at, **factories.act()}
        with pytest.raises(ledger.Refused):
            ledger.refund(tokens=charge.left + 1, **give)
        if most > 0:
            tokens = min(tokens, most)
            ledger.refund(tokens=tokens, **give)
            charge.left -= tokens
            person.entries.append(("refund", -tokens, charge.period))
            self.written(person)

    @rule(who=WHO, tokens=TOKENS)
    def grant(self, who: str, tokens: int) -> None:
        person = self.people[who]
        ledger.grant(user=person.user, tokens=tokens, at=self.at, **factories.act())
        person.entries.append(("grant", 0, self.written(person)))
        person.grants.append((tokens, person.start))

    @rule(who=WHO, tokens=TOKENS, sign=st.sampled_from([1, -1]))
    def adjust(self, who: str, tokens: int, sign: int) -> None:
        person, tokens = self.people[who], sign * tokens
        change = {"user": person.user, "tokens": tokens, "at": self.at, **factories.act()}
        if person.used(self.today) + tokens < 0:
            with pytest.raises(ledger.Refused):
                ledger.adjust(**change)
            return
        ledger.adjust(**change)
        person.entries.append(("adjustment", tokens, self.written(person)))

    @precondition(lambda self: self.holds)
    @rule(any_hold=ANY)
    def write_off(self, any_hold: int) -> None:
        person, hold = self.one(any_hold, likely="due")
        act = {"hold": hold.real, "at": self.at, **factories.act()}
        if hold.state != "due":
            with pytest.raises(ledger.Refused):
                ledger.write_off(**act)
            return
        ledger.write_off(**act)
        hold.state, hold.parked = "written_off", False
        person.entries.append(("write_off", 0, hold.period))
        self.written(person)

    @rule(who=WHO, suspended=st.sampled_from([False, False, True]))
    def suspend(self, who: str, suspended: bool) -> None:
        person = self.people[who]
        ledger.suspend(user=person.user, suspended=suspended, at=self.at, **factories.act())
        person.suspended = suspended
        person.entries.append(("suspension", 0, self.written(person)))

    @rule(who=WHO, kind=KINDS)
    def set_period(self, who: str, kind: str) -> None:
        person = self.people[who]
        ledger.set_period(user=person.user, period=kind, at=self.at, **factories.act())
        self.written(person)
        person.kind = kind
        person.entries.append(("limit", 0, self.written(person)))

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
            (hold.real.id, hold.state, hold.parked) for _, hold in self.holds
        }

    @invariant()
    def books_prove_themselves(self) -> None:
        assert audit.run() == []


@pytest.mark.django_db
def test_any_order_of_verbs_leaves_the_figures_of_the_model() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
