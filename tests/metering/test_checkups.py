"""The nightly proof of the ledger: kept, shown to staff, and an error in the log if it fails."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from django.utils import timezone

from accounts.models import User
from generation.tasks import verify_ledger
from metering import checkups
from metering.audit import Finding
from metering.models import LedgerCheck
from shortsproject.celery import app
from tests import factories
from tests.factories import AT
from tests.metering import staff_work

planted = pytest.mark.plants_ledger_errors


def card_of(user: User) -> dict[str, object]:
    cards = staff_work.signed_in(user).get("/admin/").context["cards"]
    (card,) = [card for card in cards if card["title"] == "Ledger check"]
    return {name: str(card[name]) for name in ("figure", "text", "alarm")}


def test_right_books_are_kept_as_verified(alice: User) -> None:
    factories.short(alice, "succeeded", job_id=factories.short_charged(alice))

    with structlog.testing.capture_logs() as lines:
        verify_ledger()

    check = LedgerCheck.objects.get()
    assert (check.ok, check.findings, check.first_findings) == (True, 0, "")
    assert check.started_at <= check.finished_at <= timezone.now()
    assert lines == []


@planted
def test_wrong_books_are_kept_and_are_an_error_in_the_log(alice: User) -> None:
    factories.charged(alice)
    factories.short(alice, "succeeded")
    factories.plant("UPDATE metering_tokenledger SET used = 0")

    with structlog.testing.capture_logs() as lines:
        verify_ledger()

    check = LedgerCheck.objects.get()
    first = f"used: user {alice.pk}: used is 0, entries of the period give 487"
    assert (check.ok, check.findings) == (False, 2)
    assert check.first_findings.startswith(f"{first}\nfree video: user {alice.pk}: short ")
    assert lines == [
        {"event": "the ledger is wrong", "log_level": "error", "findings": 2, "first": first}
    ]


def test_only_the_first_findings_are_kept(db: None) -> None:
    def fifty(user_id: int | None) -> Iterator[Finding]:
        yield from [Finding(invariant="mood", user_id=1, detail="low")] * 50

    check = checkups.run(now=lambda: AT, extra=[fifty])

    assert check.findings == 50
    assert check.first_findings.count("mood") == checkups.KEPT_FINDINGS


def test_it_runs_every_night() -> None:
    (entry,) = [
        entry
        for entry in app.conf.beat_schedule.values()
        if entry["task"] == "generation.verify_ledger"
    ]

    assert entry["task"] in app.tasks
    assert (entry["schedule"].hour, entry["schedule"].minute) == ({18}, {30})


def test_staff_see_that_it_has_not_run_yet(staff: User) -> None:
    assert card_of(staff) == {
        "figure": "not yet", "text": "The whole ledger is proved every night.", "alarm": "False",
    }  # fmt: skip


def test_staff_see_the_last_run(staff: User) -> None:
    checkups.run(now=timezone.now)

    card = card_of(staff)

    assert (card["figure"], card["alarm"]) == ("verified", "False")
    assert str(card["text"]).startswith("Last run ")


@planted
def test_staff_see_that_the_books_are_wrong(staff: User, alice: User) -> None:
    factories.charged(alice)
    factories.plant("UPDATE metering_tokenledger SET used = 0 WHERE user_id = %s", alice.pk)
    checkups.run(now=timezone.now)

    card = card_of(staff)

    assert (card["figure"], card["alarm"]) == ("wrong in 1 places", "True")


def test_staff_see_that_a_night_was_left_out(staff: User) -> None:
    checkups.run(now=lambda: timezone.now() - timedelta(days=2))

    card = card_of(staff)

    assert (card["figure"], card["alarm"]) == ("verified", "True")
    assert str(card["text"]).startswith("Overdue: last run ")


def test_the_list_is_only_read(staff: User) -> None:
    check = checkups.run(now=timezone.now)
    desk = staff_work.signed_in(staff)

    page = desk.get("/admin/metering/ledgercheck/")
    change = desk.post(f"/admin/metering/ledgercheck/{check.pk}/change/", {"ok": ""})

    assert page.status_code == 200
    assert "Ledger checks" in page.content.decode()
    assert change.status_code == 403
