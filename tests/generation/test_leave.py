"""A user leaves: the person is gone, the books stay, and what is under way ends as it must."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, User
from generation import audit
from generation.models import Short, State
from generation.pipeline import leave, remove
from metering import ledger, queries
from metering import staff as staff_acts
from metering.models import LedgerEntry, TokenLedger, UsageEvent
from shortsproject.local.gemini import StandIn
from tests.generation import calling_off, driving

pytestmark = pytest.mark.django_db(transaction=True)


def away(**given: object) -> None:
    raise OperationalError("the connection is lost")


def depart(user: User, actor: User | None = None) -> User:
    leave.run(user=user, actor=actor or user, reason="test", at=timezone.now())
    return User.objects.get(pk=user.pk)


def books(user: User) -> tuple[int, int, int]:
    """Entries that moved tokens, their sum, and usage events."""
    entries = LedgerEntry.objects.filter(user=user, kind="charge")
    events = UsageEvent.objects.filter(user=user).count()
    return entries.count(), sum(entries.values_list("tokens", flat=True)), events


def test_the_person_is_gone(make_user: Callable[..., User]) -> None:
    mina = make_user("mina", first_name="Mina", last_name="Kim", language="ko", is_staff=True)
    mina.groups.add(Group.objects.create(name="clerks"))
    EmailAddress.objects.create(user=mina, email=mina.email, verified=True, primary=True)
    ApiKey.objects.create(user=mina, name="laptop")

    gone = depart(mina)

    assert "mina" not in gone.email
    assert (gone.first_name, gone.last_name, gone.language) == ("", "", "")
    assert (gone.is_active, gone.is_staff, gone.groups.exists()) == (False, False, False)
    assert not gone.check_password("correct horse")
    assert not EmailAddress.objects.filter(user=gone).exists()
    assert not ApiKey.objects.filter(user=gone).exists()


def test_every_short_is_deleted_and_the_books_stay(alice: User, stand_in: StandIn) -> None:
    done = driving.until(driving.begin(alice, wish="my garden"), State.SUCCEEDED)
    waiting = driving.begin(alice, wish="my house")
    before = books(alice)

    depart(alice)

    done.refresh_from_db()
    waiting.refresh_from_db()
    assert books(alice) == before
    assert (done.wish, done.video, waiting.wish) == ("", "", "")
    assert waiting.state == State.CANCELED
    assert not Short.objects.filter(user=alice, deleted_at__isnull=True).exists()


def test_a_render_that_is_under_way_closes_its_hold_once_and_keeps_no_file(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.step(driving.begin(alice))
    depart(alice)

    driving.until(short, State.SUCCEEDED)

    assert calling_off.legs(short) == ["captured", "captured"]
    assert LedgerEntry.objects.filter(job_id=short.pk, kind="charge").count() == 2
    assert short.video == ""
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 0
    assert list(audit.ended_shorts_hold_nothing()) == []


def test_sessions_and_keys_are_dead_at_once(alice: User, api: Callable[[User], APIClient]) -> None:
    script, browser = api(alice), Client()
    browser.force_login(alice)

    depart(alice)

    assert script.get("/api/usage").status_code == 401
    assert browser.get("/api/usage").status_code == 401
    assert not browser.login(email="alice@example.org", password="correct horse")


def test_no_new_hold_is_taken(alice: User) -> None:
    depart(alice)

    with pytest.raises(ledger.AccountSuspended):
        driving.begin(alice)

    assert LedgerEntry.objects.get(user=alice, kind="suspension").actor == alice


def test_the_address_begins_anew_with_a_clean_ledger(alice: User, stand_in: StandIn) -> None:
    driving.until(driving.begin(alice), State.SUCCEEDED)
    depart(alice)

    new = User.objects.create_user("alice@example.org", "another horse")

    balance = queries.balance(user=new, at=timezone.now())
    assert (balance.used_tokens, balance.held_tokens, balance.suspended) == (0, 0, False)
    assert books(new) == (0, 0, 0)
    assert not Short.objects.filter(user=new).exists()


def test_logs_of_the_staff_pages_do_not_keep_the_address(alice: User, staff: User) -> None:
    LogEntry.objects.create(
        user=staff, content_type=ContentType.objects.get_for_model(User), object_id=alice.pk,
        object_repr=str(alice), action_flag=CHANGE,
    )  # fmt: skip

    depart(alice, staff)

    assert "alice" not in LogEntry.objects.get().object_repr


def test_what_was_broken_off_is_finished_by_doing_it_again(
    alice: User,
) -> None:
    short = driving.begin(alice)
    depart(alice)
    Short.objects.filter(pk=short.pk).update(deleted_at=None)

    depart(alice)

    assert Short.objects.filter(deleted_at__isnull=False).count() == 1
    assert TokenLedger.objects.get(user=alice).suspended
    assert LedgerEntry.objects.filter(user=alice, kind="suspension").count() == 1


def test_what_was_broken_off_is_finished_by_beat(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = driving.begin(alice)
    with monkeypatch.context() as broken:
        broken.setattr(remove, "run", away)
        with pytest.raises(OperationalError):
            depart(alice)
    left = Short.objects.get(pk=short.pk).state

    finished = [leave.go_on(at=timezone.now()) for _ in range(2)]

    short.refresh_from_db()
    assert (left, finished, short.state) == (State.QUEUED, [1, 0], State.CANCELED)
    assert TokenLedger.objects.get(user=alice).suspended
    assert LedgerEntry.objects.filter(user=alice, kind="suspension").count() == 1


def test_beat_leaves_alone_who_has_not_left(alice: User, bob: User) -> None:
    driving.begin(alice)
    bob.is_active = False
    bob.save()
    driving.begin(bob)

    assert leave.go_on(at=timezone.now()) == 0
    assert Short.objects.filter(deleted_at__isnull=True).count() == 2


def test_without_a_reason_nothing_is_closed(alice: User) -> None:
    with pytest.raises(staff_acts.ReasonMissing):
        leave.run(user=alice, actor=alice, reason=" ", at=timezone.now())

    assert User.objects.get(pk=alice.pk).is_active


def test_leaving_takes_few_statements_for_each_short(
    alice: User, django_assert_max_num_queries: Any
) -> None:
    driving.begin(alice)

    with django_assert_max_num_queries(30):
        depart(alice)
