"""The statement as a file: complete, provable, safe in a spreadsheet, and never whole in memory."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import User
from metering import exports, ledger
from metering.models import LedgerEntry
from tests import factories
from tests.factories import AT
from tests.metering.statements import (
    adjust,
    content,
    csv_rows,
    csv_total,
    hash_of,
    json_rows,
    json_total,
    write_many,
)

NOVEMBER = date(2026, 11, 1)
COLUMNS = [
    "seq", "time", "kind", "tokens", "usd", "api_type", "model", "job_id", "used_after",
    "limit_after", "reason", "day", "period_start", "entry_id", "reverses",
]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"]


def export(user: User, kind: str, period_start: date = NOVEMBER) -> str:
    return content(exports.response(user=user, period_start=period_start, kind=kind))


def used(lines: Iterator[str]) -> int:
    """How many characters a stream has; keeps none of them."""
    return sum(len(line) for line in lines)


def test_a_charge_is_one_row_with_all_that_made_it(alice: User) -> None:
    job_id = factories.short_charged(alice)
    video = LedgerEntry.objects.get(job_id=job_id, seq=2)

    rows = csv_rows(export(alice, "csv"))

    assert list(rows[1]) == COLUMNS
    assert rows[1] == {
        "seq": "2", "time": "2026-11-25T03:00:00Z", "kind": "charge", "tokens": "1000",
        "usd": "1.20", "api_type": "gemini-veo-video", "model": "veo-3.1-fast-generate-001",
        "job_id": str(job_id), "used_after": "1487", "limit_after": "10000", "reason": "",
        "day": "2026-11-25", "period_start": "2026-11-01", "entry_id": str(video.pk),
        "reverses": "",
    }  # fmt: skip


def test_both_formats_hold_the_same_rows(alice: User) -> None:
    factories.short_charged(alice)
    adjust(alice, -5)

    as_csv, as_json = csv_rows(export(alice, "csv")), json_rows(export(alice, "jsonl"))

    assert [list(row) for row in as_json] == [COLUMNS] * 3
    assert as_csv == [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in as_json
    ]


def test_a_refund_says_which_entry_it_reverses(alice: User) -> None:
    charge = factories.charged(alice, 1000, held=1000)
    ledger.refund(entry=charge.id, tokens=600, actor=None, reason="test", key="once", at=AT)

    row = json_rows(export(alice, "jsonl"))[1]

    assert (row["kind"], row["tokens"], row["used_after"]) == ("refund", -600, 400)
    assert row["reverses"] == charge.id


def test_the_last_line_has_count_sum_and_hash(alice: User) -> None:
    factories.short_charged(alice)
    adjust(alice, -5)

    as_csv, as_json = export(alice, "csv"), export(alice, "jsonl")

    digest = hash_of(as_json)
    assert json_total(as_json) == {"rows": 3, "tokens": 1482, "sha256": digest}
    assert csv_total(as_csv) == ["total", "3", "1482", digest]
    assert factories.balance(alice).used_tokens == 1482


def test_two_exports_of_the_same_rows_are_equal_to_the_letter(alice: User) -> None:
    factories.short_charged(alice)
    adjust(alice, 5, reason="한국어, with a “comma”\nand a second line")

    assert export(alice, "csv") == export(alice, "csv")
    assert export(alice, "jsonl") == export(alice, "jsonl")
    assert csv_total(export(alice, "csv"))[3] == json_total(export(alice, "jsonl"))["sha256"]


def test_another_row_is_another_hash(alice: User) -> None:
    adjust(alice, 5)
    before = csv_total(export(alice, "csv"))

    adjust(alice, 5)

    assert csv_total(export(alice, "csv"))[1:3] == ["2", "10"]
    assert csv_total(export(alice, "csv"))[3] != before[3]


def test_all_rows_of_a_csv_are_equally_wide(alice: User) -> None:
    factories.short_charged(alice)

    rows = list(csv.reader(io.StringIO(export(alice, "csv"), newline="")))

    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_without_entries_there_is_a_header_and_a_total_of_nothing(alice: User) -> None:
    assert csv_rows(export(alice, "csv")) == []
    assert csv_total(export(alice, "csv"))[:3] == ["total", "0", "0"]
    assert json_total(export(alice, "jsonl"))["rows"] == 0


def test_a_file_has_one_person_and_one_period(alice: User, bob: User) -> None:
    adjust(alice, 1)
    adjust(bob, 2)
    adjust(alice, 4, at=AT + timedelta(days=10))

    november = json_rows(export(alice, "jsonl"))
    december = json_rows(export(alice, "jsonl", date(2026, 12, 1)))

    assert [row["tokens"] for row in november] == [1]
    assert [(row["tokens"], row["period_start"]) for row in december] == [(4, "2026-12-01")]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_the_provider_bills_is_not_in_it(alice: User, kind: str) -> None:
    factories.short_charged(alice)

    text = export(alice, kind)

    assert "cost" not in text
    assert "0.8" not in text


@pytest.mark.parametrize("reason", FORMULAS, ids=repr)
def test_no_reason_becomes_a_formula(alice: User, reason: str) -> None:
    adjust(alice, 5, reason=reason)

    row = csv_rows(export(alice, "csv"))[0]

    assert row["reason"] == f"'{reason}"
    assert json_rows(export(alice, "jsonl"))[0]["reason"] == reason


@pytest.mark.parametrize("reason", ["'quoted'", "plain", "1-1=0", "a@b", " =1"])
def test_the_mark_can_always_be_taken_off_again(reason: str) -> None:
    assert exports.safe(reason).removeprefix("'") == reason


def test_a_negative_number_stays_a_number(alice: User) -> None:
    job_id = factories.short_charged(alice)
    charge = LedgerEntry.objects.get(job_id=job_id, seq=2)
    ledger.refund(entry=charge.pk, tokens=500, actor=None, reason="-", key="once", at=AT)

    row = csv_rows(export(alice, "csv"))[2]

    assert (row["tokens"], row["usd"], row["reason"]) == ("-500", "-0.60", "'-")


def test_an_unlimited_user_has_an_empty_limit(alice: User) -> None:
    factories.limit(alice, None)

    assert csv_rows(export(alice, "csv"))[0]["limit_after"] == ""
    assert json_rows(export(alice, "jsonl"))[0]["limit_after"] is None


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_ten_thousand_rows_are_one_question_and_little_memory(
    alice: User, kind: str, django_assert_num_queries: Callable[[int], Any]
) -> None:
    write_many(alice, 10_000)
    response: Any = exports.response(user=alice, period_start=NOVEMBER, kind=kind)

    tracemalloc.start()
    with django_assert_num_queries(1):
        length = used(response.streaming_content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert length > 900_000
    assert peak < 2_500_000


def test_the_first_rows_are_sent_before_the_last_are_read(alice: User) -> None:
    write_many(alice, 10_000)
    found = exports.rows(user=alice, period_start=NOVEMBER)
    lines = exports.json_lines(found)

    first = next(lines)
    lines.close()

    assert '"reason":"number 1"' in first


def test_ten_thousand_rows_prove_themselves(alice: User) -> None:
    write_many(alice, 10_000)

    text = export(alice, "jsonl")

    assert json_total(text) == {"rows": 10_000, "tokens": 10_000, "sha256": hash_of(text)}
