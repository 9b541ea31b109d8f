"""The worked examples of docs/ledger.md, one test each: the same name, the same acts and figures.

Each `told(alice, at) == (used, held, remaining, available)` is one row of the example's table.
"""

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from generation import audit as generation_audit
from metering import audit, backlog, exports, ledger, notices, queries
from metering.models import LedgerEntry, Notice
from metering.types import Usage
from tests import factories
from tests.factories import AT
from tests.metering import statements

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text()
SECOND = timedelta(seconds=1)
Figures = tuple[int | None, ...]


def told(user: User, at: datetime = AT) -> Figures:
    """Used, held, remaining, available at an instant."""
    now = factories.balance(user, at)
    return now.used_tokens, now.held_tokens, now.remaining_tokens, now.available_tokens


def local(text: str, zone: str = "Asia/Seoul") -> datetime:
    """The instant at which clocks in Seoul, or in another town, show this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def by(user: User, period: str, at: datetime) -> None:
    """Staff set the user's period."""
    ledger.set_period(user=user, period=period, at=at, **factories.act())


def charge(one: Any, tokens: int, at: datetime = AT) -> LedgerEntry:
    """The provider reports so many tokens, and they are charged at once."""
    ledger.record_usage(hold=one, attempt=1, usage=Usage(total_tokens=tokens), at=at)
    return factories.entry(ledger.charge(hold=one, at=at))


def refused(user: User, tokens: int, at: datetime = AT) -> bool:
    """A new job of so many tokens does not fit."""
    with pytest.raises(ledger.TokenLimitExceeded):
        factories.hold(user, tokens, at=at)
    return True


def test_example_01_a_default_short(alice: User) -> None:
    analysis, video = factories.hold(alice)
    assert told(alice) == (0, 1_500, 10_000, 8_500)

    charge(analysis, 487)
    assert told(alice) == (487, 1_000, 9_513, 8_513)

    ledger.record_usage(hold=video, attempt=1, usage=factories.RENDERED, at=AT)
    ledger.charge(hold=video, at=AT)
    assert told(alice) == (1_487, 0, 8_513, 8_513)


def test_example_02_one_token_too_few(alice: User) -> None:
    factories.limit(alice, 1_499)
    assert refused(alice, 1_500)
    assert told(alice) == (0, 0, 1_499, 1_499)

    factories.limit(alice, 1_500)
    factories.hold(alice)
    assert told(alice) == (0, 1_500, 1_500, 0)


def test_example_03_above_the_hold(alice: User) -> None:
    (one,) = factories.hold(alice, 500)
    assert told(alice) == (0, 500, 10_000, 9_500)

    charge(one, 10_400)
    assert refused(alice, 1)
    assert told(alice) == (10_400, 0, -400, -400)


def test_example_04_a_filtered_video(alice: User) -> None:
    analysis, video = factories.hold(alice)
    charge(analysis, 487)
    assert told(alice) == (487, 1_000, 9_513, 8_513)

    ledger.release(hold=video, reason="filtered", at=AT)
    assert told(alice) == (487, 0, 9_513, 9_513)


def test_example_05_three_in_flight_and_one_parked(alice: User) -> None:
    (one,), _, _ = (factories.hold(alice, 500) for _ in range(3))
    with pytest.raises(ledger.TooManyInFlight):
        factories.hold(alice, 500)
    assert told(alice) == (0, 1_500, 10_000, 8_500)

    ledger.park(hold=one, at=AT)
    factories.hold(alice, 500)
    assert told(alice) == (0, 2_000, 10_000, 8_000)


def test_example_06_twice_is_once(alice: User) -> None:
    job = {"quote": factories.quote_for(), "job_id": uuid4(), "key": "one form"}
    analysis, _ = factories.hold(alice, **job)
    assert factories.hold(alice, **job)[0] == analysis
    assert told(alice) == (0, 1_500, 10_000, 8_500)

    entry = charge(analysis, 487)
    assert factories.entry(ledger.charge(hold=analysis, at=AT)) == entry
    assert told(alice) == (487, 1_000, 9_513, 8_513)

    use = {"api_type": entry.api_type, "model": entry.model, "usage": Usage(total_tokens=13)}
    first = ledger.track_token_usage(user=alice, key="one call", at=AT, **use)
    again = ledger.track_token_usage(user=alice, key="one call", at=AT, **use)
    assert again.id == first.id
    assert told(alice) == (500, 1_000, 9_500, 8_500)


def test_example_07_a_refund_in_two_parts(alice: User) -> None:
    entry_id = factories.charged(alice, 1_000).id
    assert told(alice) == (1_000, 0, 9_000, 9_000)

    ledger.refund(entry=entry_id, tokens=600, at=AT, **factories.act())
    with pytest.raises(ledger.Refused) as refusal:
        ledger.refund(entry=entry_id, tokens=600, at=AT, **factories.act())
    assert refusal.value.most_tokens == 400
    assert told(alice) == (400, 0, 9_600, 9_600)

    ledger.refund(entry=entry_id, tokens=400, at=AT, **factories.act())
    assert told(alice) == (0, 0, 10_000, 10_000)


def test_example_08_a_correction(alice: User) -> None:
    factories.charged(alice, 487)
    with pytest.raises(ledger.Refused):
        ledger.adjust(user=alice, tokens=-500, at=AT, **factories.act())
    assert told(alice) == (487, 0, 9_513, 9_513)

    ledger.adjust(user=alice, tokens=-400, at=AT, **factories.act())
    ledger.adjust(user=alice, tokens=13, at=AT, **factories.act())
    assert told(alice) == (100, 0, 9_900, 9_900)


def test_example_09_a_suspended_account(alice: User) -> None:
    (one,) = factories.hold(alice, 500)
    ledger.suspend(user=alice, suspended=True, at=AT, **factories.act())
    with pytest.raises(ledger.AccountSuspended):
        factories.hold(alice, 500)
    assert told(alice) == (0, 500, 10_000, 9_500)

    charge(one, 487)
    assert told(alice) == (487, 0, 9_513, 9_513)

    ledger.suspend(user=alice, suspended=False, at=AT, **factories.act())
    factories.hold(alice, 500)
    assert told(alice) == (487, 500, 9_513, 9_013)


def test_example_10_a_limit_lowered_below_usage(alice: User) -> None:
    factories.charged(alice, 4_000)
    assert told(alice) == (4_000, 0, 6_000, 6_000)

    factories.limit(alice, 3_000)
    assert refused(alice, 1)
    assert told(alice) == (4_000, 0, -1_000, -1_000)

    factories.limit(alice, None)
    assert told(alice) == (4_000, 0, None, None)
    factories.hold(alice, 10**12)


def test_example_11_a_hold_that_crosses_the_boundary(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Pacific/Honolulu")
    (one,) = factories.hold(alice, 500, at=local("2027-02-28 23:59:30"))
    assert told(alice, local("2027-02-28 23:59:30")) == (0, 500, 10_000, 9_500)
    assert factories.balance(alice, local("2027-02-28 23:59:59")).resets_at == local("2027-03-01")
    assert told(alice, local("2027-03-01 00:00")) == (0, 0, 10_000, 10_000)

    entry = charge(one, 487, at=local("2027-03-01 00:02"))
    assert told(alice, local("2027-03-01 00:02")) == (0, 0, 10_000, 10_000)
    assert (str(entry.period_start), str(entry.day)) == ("2027-02-01", "2027-02-28")
    assert entry.used_after == 487


def test_example_12_a_grant_ends_with_its_period(alice: User) -> None:
    factories.charged(alice, 487, at=local("2027-03-31 12:00"))
    ledger.grant(user=alice, tokens=500, at=local("2027-03-31 12:00"), **factories.act())
    assert told(alice, local("2027-03-31 12:00")) == (487, 0, 10_013, 10_013)
    assert told(alice, local("2027-03-31 23:59:59")) == (487, 0, 10_013, 10_013)
    assert told(alice, local("2027-04-01 00:00")) == (0, 0, 10_000, 10_000)
    assert refused(alice, 10_001, at=local("2027-04-01 00:00"))


def test_example_13_a_refund_to_a_closed_period(alice: User) -> None:
    february = factories.entry(factories.charged(alice, 1_000, at=local("2027-02-28 12:00")))
    assert told(alice, local("2027-02-28 12:00")) == (1_000, 0, 9_000, 9_000)

    at = local("2027-03-01 12:00")
    factories.charged(alice, 300, at=at)
    assert told(alice, at) == (300, 0, 9_700, 9_700)

    assert queries.refundable(entry=february, at=at).period_closed
    ledger.refund(entry=february.pk, tokens=600, at=at, **factories.act())
    assert told(alice, at) == (300, 0, 9_700, 9_700)
    assert LedgerEntry.objects.get(reverses=february).used_after == 400

    ledger.grant(user=alice, tokens=600, at=at, **factories.act())
    assert told(alice, at) == (300, 0, 10_300, 10_300)


def test_example_14_a_day_of_23_hours_and_a_day_of_25(alice: User, settings: Any) -> None:
    settings.QUOTA_TIME_ZONE = "America/New_York"
    spring, autumn = (local(f"2027-{day} 00:00", "America/New_York") for day in ("03-14", "11-07"))
    by(alice, "day", spring)
    factories.charged(alice, 487, at=spring)
    assert told(alice, spring) == (487, 0, 9_513, 9_513)
    assert told(alice, spring + timedelta(hours=23) - SECOND) == (487, 0, 9_513, 9_513)
    assert told(alice, spring + timedelta(hours=23)) == (0, 0, 10_000, 10_000)

    factories.charged(alice, 487, at=autumn)
    assert told(alice, autumn) == (487, 0, 9_513, 9_513)
    assert told(alice, autumn + timedelta(hours=25) - SECOND) == (487, 0, 9_513, 9_513)
    assert told(alice, autumn + timedelta(hours=25)) == (0, 0, 10_000, 10_000)


def test_example_15_a_month_becomes_a_day(alice: User) -> None:
    factories.charged(alice, 4_000, at=local("2027-03-10 12:00"))
    (one,) = factories.hold(alice, 500, at=local("2027-03-10 12:00"))
    assert told(alice, local("2027-03-10 12:00")) == (4_000, 500, 6_000, 5_500)

    at = local("2027-03-11 12:00")
    by(alice, "day", at)
    assert told(alice, at) == (0, 0, 10_000, 10_000)

    assert str(charge(one, 487, at=at).period_start) == "2027-03-01"
    assert told(alice, at) == (0, 0, 10_000, 10_000)


def test_example_16_a_day_becomes_a_month(alice: User) -> None:
    at = local("2027-03-10 12:00")
    by(alice, "day", at)
    factories.charged(alice, 400, at=at)
    by(alice, "month", at)
    assert told(alice, at) == (400, 0, 9_600, 9_600)
    assert told(alice, local("2027-03-31 23:59:59")) == (400, 0, 9_600, 9_600)
    assert told(alice, local("2027-04-01 00:00")) == (0, 0, 10_000, 10_000)


def test_example_17_a_week_that_began_before_its_month(alice: User) -> None:
    at = local("2027-04-01 12:00")
    factories.charged(alice, 400, at=at)
    by(alice, "week", at)
    assert told(alice, at) == (400, 0, 9_600, 9_600)
    assert str(factories.balance(alice, at).period_start) == "2027-04-01"

    assert told(alice, local("2027-04-05 00:00")) == (0, 0, 10_000, 10_000)


def test_example_18_a_lifetime(alice: User) -> None:
    factories.charged(alice, 400, at=local("2027-03-10 12:00"))
    by(alice, "lifetime", local("2027-03-10 12:00"))
    assert told(alice, local("2027-03-10 12:00")) == (400, 0, 9_600, 9_600)
    assert told(alice, local("2030-03-10 12:00")) == (400, 0, 9_600, 9_600)

    by(alice, "month", local("2030-03-10 12:00"))
    assert told(alice, local("2030-03-10 12:00")) == (0, 0, 10_000, 10_000)


def test_example_19_the_time_zone_moves_west(alice: User, settings: Any) -> None:
    at = local("2027-03-01 00:30")
    factories.charged(alice, 400, at=at)
    assert told(alice, at) == (400, 0, 9_600, 9_600)

    settings.QUOTA_TIME_ZONE = "Pacific/Honolulu"
    entry = factories.entry(factories.charged(alice, 30, at=at))
    assert told(alice, at) == (430, 0, 9_570, 9_570)
    assert str(entry.period_start) == "2027-03-01"

    assert told(alice, local("2027-03-01 00:00", "Pacific/Honolulu")) == (430, 0, 9_570, 9_570)
    assert told(alice, local("2027-04-01 00:00", "Pacific/Honolulu")) == (0, 0, 10_000, 10_000)


def test_example_20_the_time_zone_moves_east(alice: User, settings: Any) -> None:
    settings.QUOTA_TIME_ZONE = "Pacific/Honolulu"
    at = local("2027-02-28 10:00", "Pacific/Honolulu")
    factories.charged(alice, 400, at=at)
    (one,) = factories.hold(alice, 500, at=at)
    assert told(alice, at) == (400, 500, 9_600, 9_100)

    settings.QUOTA_TIME_ZONE = "Asia/Seoul"
    assert told(alice, at) == (0, 0, 10_000, 10_000)

    entry = charge(one, 487, at=at)
    assert told(alice, at) == (0, 0, 10_000, 10_000)
    assert (str(entry.period_start), entry.used_after) == ("2027-02-01", 887)


def test_example_21_notices_and_a_raised_limit(alice: User) -> None:
    factories.charged(alice, 9_000)
    assert told(alice) == (9_000, 0, 1_000, 1_000)
    assert [row.level for row in Notice.objects.order_by("id")] == [50, 80]

    factories.limit(alice, 20_000)
    assert told(alice) == (9_000, 0, 11_000, 11_000)
    assert notices.to_show(user=alice, at=AT) is None

    factories.charged(alice, 1_000)
    assert told(alice) == (10_000, 0, 10_000, 10_000)
    assert [row.level for row in Notice.objects.order_by("id")] == [50, 80, 50]


def test_example_22_a_charge_that_fails_is_made_up(alice: User) -> None:
    one = factories.due(alice, 487, held=500)
    ledger.defer_charge(hold=one, error="no room on the disk", charge_after=AT + 10 * SECOND)
    with pytest.raises(ledger.NotReleasable):
        ledger.release(hold=one, reason="test", at=AT)
    assert told(alice) == (0, 500, 10_000, 9_500)

    assert backlog.charge_due(at=AT + 9 * SECOND) == 0
    assert backlog.charge_due(at=AT + 10 * SECOND) == 1
    assert told(alice) == (487, 0, 9_513, 9_513)


def test_example_23_a_write_off(alice: User) -> None:
    one = factories.due(alice, 487, held=500)
    assert told(alice) == (0, 500, 10_000, 9_500)

    ledger.write_off(hold=one, at=AT, **factories.act())
    with pytest.raises(ledger.NotDue):
        ledger.charge(hold=one, at=AT)
    assert told(alice) == (0, 0, 10_000, 10_000)


def test_example_24_a_statement_that_proves_itself(alice: User) -> None:
    video = LedgerEntry.objects.get(job_id=factories.short_charged(alice), tokens=1_000)
    ledger.refund(entry=video.pk, tokens=600, at=AT, **factories.act())
    november = {"user": alice, "period_start": video.period_start}

    as_json = statements.content(exports.response(kind="jsonl", **november))
    as_csv = statements.content(exports.response(kind="csv", **november))

    assert told(alice) == (887, 0, 9_113, 9_113)
    sha256 = statements.hash_of(as_json)
    assert statements.json_total(as_json) == {"rows": 3, "tokens": 887, "sha256": sha256}
    assert statements.csv_total(as_csv) == ["total", "3", "887", sha256]


def in_the_document() -> dict[str, list[Figures]]:
    """The examples of the document, each named as its test, with the figures of its rows."""
    tables = re.findall(r"^\| Example (\d+): (.*?) \|.*\n\|.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    return {
        f"test_example_{int(number):02}_{re.sub('[^a-z0-9]+', '_', title.lower())}": [
            tuple(figure(cell) for cell in row.split("|")[-5:-1]) for row in rows.splitlines()
        ]
        for number, title, rows in tables
    }


def figure(cell: str) -> int | None:
    """A cell of a table as a number; a dash is none."""
    text = cell.strip().replace(",", "").replace("−", "-")
    return None if text == "–" else int(text)


def in_the_tests() -> dict[str, list[Figures]]:
    """The tests of examples, each with what `told(…)` has to be in it, from top to bottom."""
    return {
        test.name: [
            ast.literal_eval(node.comparators[0])
            for node in ast.walk(test)
            if isinstance(node, ast.Compare) and ast.unparse(node.left).startswith("told(")
        ]
        for test in ast.parse(Path(__file__).read_text()).body
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_example_")
    }


def test_every_example_has_its_test_and_every_test_its_example() -> None:
    assert len(in_the_tests()) >= 24
    assert in_the_document() == in_the_tests()


def test_every_invariant_is_in_the_document() -> None:
    invariants = (*audit.INVARIANTS, *generation_audit.INVARIANTS)

    assert re.findall(r"^\* `(\w+)`:", TEXT, re.MULTILINE) == [one.__name__ for one in invariants]


def test_every_verb_is_in_the_document() -> None:
    verbs = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)

    assert set(re.findall(r"\*\*(\w+)\*\*", ledger.__doc__ or "")) == set(verbs)
