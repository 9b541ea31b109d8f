"""manage.py verify_ledger: the books, and what every short's end says of its holds."""

import json
import subprocess
import sys
from io import StringIO
from os import environ
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import User
from generation import audit as generation_audit
from generation.models import FINAL, Short
from metering import audit, ledger
from metering.audit import Finding
from tests import factories, processes
from tests.factories import AT

planted = pytest.mark.plants_ledger_errors


def verify(*options: str) -> str:
    out = StringIO()
    call_command("verify_ledger", *options, stdout=out)
    return out.getvalue()


def refused(*options: str) -> tuple[str, CommandError]:
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_ledger", *options, stdout=out)
    return out.getvalue(), error.value


def found() -> list[Finding]:
    return audit.run(extra=generation_audit.INVARIANTS)


def in_a_process_of_its_own() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "verify_ledger"],
        cwd=Path(settings.BASE_DIR),
        env={**environ, "DATABASE_URL": processes.database_url()},
        capture_output=True,
        text=True,
        check=False,
    )


def test_right_books_are_verified_with_their_size(alice: User, bob: User) -> None:
    factories.short(alice, "succeeded", job_id=factories.short_charged(alice))
    factories.hold(bob)

    assert verify() == "2 users, 2 entries, 4 holds, 0 waiting for their charge\nledger verified\n"


def test_charges_that_wait_are_counted_and_are_no_error(alice: User) -> None:
    hold = factories.due(alice)
    factories.short(alice, "failed", job_id=hold.job_id)

    out = verify()

    assert "1 waiting for their charge" in out
    assert out.endswith("ledger verified\n")


def test_an_empty_database_is_verified(db: None) -> None:
    assert verify().endswith("ledger verified\n")


@planted
def test_each_row_that_differs_is_printed_and_the_status_is_1(alice: User, bob: User) -> None:
    factories.charged(alice)
    factories.charged(bob)
    factories.plant("UPDATE metering_tokenledger SET used = used + 1")

    out, error = refused()

    assert f"used: user {alice.pk}: used is 488, entries of the period give 487\n" in out
    assert f"used: user {bob.pk}: used is 488, entries of the period give 487\n" in out
    assert "ledger verified" not in out
    assert (str(error), error.returncode) == ("The ledger is wrong in 2 places.", 1)


@planted
@pytest.mark.parametrize("state", FINAL)
def test_a_short_that_has_ended_holds_nothing_open(alice: User, state: str) -> None:
    job_id = uuid4()
    _, video = factories.hold(alice, job_id=job_id)
    ledger.record_usage(hold=video, attempt=1, usage=factories.RENDERED, at=AT)
    short = factories.short(alice, state, job_id=job_id)

    assert found() == [
        Finding(
            invariant="open hold",
            user_id=alice.pk,
            detail=f"short {short.pk} ({state}) has ended and still holds tokens",
        )
    ]
    assert "open hold" in refused()[0]


@pytest.mark.parametrize("state", ["queued", "submit_unknown", "rendering"])
def test_a_short_under_way_holds_its_tokens(alice: User, state: str) -> None:
    job_id = uuid4()
    factories.hold(alice, job_id=job_id)
    factories.short(alice, state, job_id=job_id)

    assert found() == []


@planted
@pytest.mark.parametrize("state", ["rendered", "succeeded", "lost"])
def test_a_video_that_nobody_pays_for_is_found(alice: User, state: str) -> None:
    job_id = uuid4()
    analysis, video = factories.hold(alice, job_id=job_id)
    ledger.record_usage(hold=analysis, attempt=1, usage=factories.REPORTED, at=AT)
    ledger.release(hold=video, reason="test", at=AT)
    short = factories.short(alice, state, job_id=job_id)

    assert [(finding.invariant, finding.detail) for finding in found()] == [
        ("free video", f"short {short.pk} ({state}) has a video that nobody pays for")
    ]


@planted
def test_a_short_without_any_holds_is_found(alice: User) -> None:
    factories.short(alice, "succeeded")

    assert [finding.invariant for finding in found()] == ["free video"]


@pytest.mark.parametrize("state", ["filtered", "failed", "canceled"])
def test_an_end_without_a_video_may_be_free(alice: User, state: str) -> None:
    job_id = uuid4()
    for_analysis, for_video = factories.hold(alice, job_id=job_id)
    ledger.release(hold=for_analysis, reason="test", at=AT)
    ledger.release(hold=for_video, reason="test", at=AT)
    factories.short(alice, state, job_id=job_id)

    assert found() == []


def test_a_video_whose_charge_waits_is_paid_for(alice: User) -> None:
    job_id = uuid4()
    analysis, video = factories.hold(alice, job_id=job_id)
    ledger.release(hold=analysis, reason="test", at=AT)
    ledger.record_usage(hold=video, attempt=1, usage=factories.RENDERED, at=AT)
    factories.short(alice, "succeeded", job_id=job_id)

    assert found() == []


def test_a_video_that_staff_wrote_off_is_no_error(alice: User) -> None:
    job_id = uuid4()
    analysis, video = factories.hold(alice, job_id=job_id)
    ledger.release(hold=analysis, reason="test", at=AT)
    ledger.record_usage(hold=video, attempt=1, usage=factories.RENDERED, at=AT)
    ledger.write_off(hold=video, at=AT, **factories.act())
    factories.short(alice, "succeeded", job_id=job_id)

    assert found() == []


@planted
def test_a_row_of_each_short_that_differs_is_printed(alice: User) -> None:
    factories.short(alice, "succeeded")
    factories.short(alice, "lost")

    out, _ = refused()

    assert out.count("free video") == Short.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_as_a_program_it_ends_with_status_0(alice: User) -> None:
    factories.short_charged(alice)

    ended = in_a_process_of_its_own()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("ledger verified\n")


@planted
@pytest.mark.django_db(transaction=True)
def test_as_a_program_it_ends_with_status_1_when_the_books_are_wrong(alice: User) -> None:
    factories.short(alice, "succeeded")

    ended = in_a_process_of_its_own()

    assert ended.returncode == 1
    assert "free video" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_as_json_right_books_are_one_object(alice: User) -> None:
    factories.due(alice)

    assert json.loads(verify("--json")) == {
        "verified": True, "users": 1, "entries": 0, "holds": 1, "due_holds": 1, "findings": [],
    }  # fmt: skip


@planted
def test_as_json_each_finding_is_listed_and_the_status_is_1(alice: User) -> None:
    factories.charged(alice)
    factories.plant("UPDATE metering_tokenledger SET used = 0")

    out, error = refused("--json")

    assert error.returncode == 1
    assert json.loads(out)["verified"] is False
    assert json.loads(out)["findings"] == [
        {
            "invariant": "used", "user_id": alice.pk,
            "detail": "used is 0, entries of the period give 487",
        }
    ]  # fmt: skip


@planted
def test_one_user_is_verified_whatever_is_wrong_with_others(alice: User, bob: User) -> None:
    factories.charged(alice)
    factories.charged(bob)
    factories.short(alice, "succeeded")
    factories.plant("UPDATE metering_tokenledger SET used = 0 WHERE user_id = %s", alice.pk)

    out, _ = refused("--user", "Alice@example.org")

    assert verify("--user", "bob@example.org").startswith("1 users, 1 entries, 1 holds")
    assert out.count(f"user {alice.pk}: ") == 2


def test_an_unknown_address_is_told(db: None) -> None:
    _, error = refused("--user", "nobody@example.org")

    assert str(error) == "There is no user with the e-mail address nobody@example.org."
