"""Who may only look at the admin does nothing there, whatever they send by hand."""

from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from generation.models import ModelGate, State
from metering.models import Hold, LedgerEntry, SpendingBrake, TokenLedger
from tests import admin_paths, factories
from tests.generation import desk_rows
from tests.metering.staff_work import allow, signed_in, spend

# Lists and histories, and what a reader may have: files, and a bill beside what was reported.
READ = ("_changelist", "_history", "_file", "_export", "_bill")
FILLED = {
    "tokens": "5", "reason": "by hand", "unlimited": "", "period": "day", "to": "closed",
    "gate": "enterprise/veo-3.1-fast-generate-001", "operation_name": "operations/1",
    "email": "taken@example.org", "password1": "a quiet harbour", "password2": "a quiet harbour",
    "post": "yes", "_preview": "1",
}  # fmt: skip


@pytest.fixture
def clerk(bob: User) -> Client:
    """Somebody who may see every page and change none."""
    rights = Permission.objects.filter(codename__startswith="view_")
    return signed_in(allow(bob, *rights.values_list("codename", flat=True)))


def stored() -> list[Any]:
    """What an act would leave behind."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (LedgerEntry, TokenLedger, Hold, SpendingBrake, ModelGate)
    ] + [list(User.objects.order_by("pk").values("email", "password", "is_staff"))]


def test_every_act_sent_by_hand_is_refused(alice: User, staff: User, clerk: Client) -> None:
    desk_rows.of_each_kind(alice)
    factories.short(alice, State.SUBMIT_UNKNOWN)
    spend(alice, charged=False)
    TOTP.activate(alice, generate_totp_secret())
    paths, before = admin_paths.of(staff, without=READ), stored()
    form = {**FILLED, "key": str(uuid4())}

    allowed = {path for path in paths if clerk.post(path, form).status_code != 403}

    assert len(paths) > 40
    assert allowed == set()
    assert stored() == before
    assert not LogEntry.objects.exists()


def test_every_page_may_be_looked_at(clerk: Client, staff: User, alice: User) -> None:
    desk_rows.of_each_kind(alice)
    paths = admin_paths.of(staff, without=("_add", "_file"))
    changes = [path for path in paths if path.endswith("/change/")]

    assert {clerk.get(path).status_code for path in changes} == {200}
    assert len(changes) > 10
