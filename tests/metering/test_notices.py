"""Thresholds that charges cross: shown until dismissed, mailed at most once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts.models import User
from metering import notices, staff
from metering.models import Notice
from tests import factories
from tests.factories import AT

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


def levels(user: User) -> list[int]:
    return list(Notice.objects.filter(user=user).order_by("id").values_list("level", flat=True))


def shown(user: User) -> int | None:
    found = notices.to_show(user=user, at=AT)
    return found.percent if found else None


def dismiss(user: User) -> None:
    found = notices.to_show(user=user, at=AT)
    assert found is not None
    notices.dismiss(user=user, notice_id=found.id, at=AT)


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


def test_a_charge_that_crosses_half_is_mailed_once(alice: User) -> None:
    factories.charged(alice, 5_000)

    first = notices.send_waiting(at=AT)
    second = notices.send_waiting(at=AT)

    assert (first, second) == (1, 0)
    assert subjects() == ["Shorts: 50% of your tokens for this period are used"]
    assert mail.outbox[0].to == ["alice@example.org"]
    assert Notice.objects.get().sent_at == AT


def test_below_half_nothing_is_said(alice: User) -> None:
    factories.charged(alice, 4_999)

    notices.send_waiting(at=AT)

    assert (levels(alice), subjects(), shown(alice)) == ([], [], None)


def test_one_charge_over_several_levels_is_one_mail_for_the_highest(alice: User) -> None:
    factories.charged(alice, 9_600)

    notices.send_waiting(at=AT)

    assert levels(alice) == [50, 80, 95]
    assert subjects() == ["Shorts: 96% of your tokens for this period are used"]
    assert not Notice.objects.filter(claimed_at=None).exists()


def test_each_level_on_the_way_is_told(alice: User) -> None:
    factories.charged(alice, 5_000)
    notices.send_waiting(at=AT)
    factories.charged(alice, 5_000)
    notices.send_waiting(at=AT)

    assert levels(alice) == [50, 80, 95, 100]
    assert subjects() == [
        "Shorts: 50% of your tokens for this period are used",
        "Shorts: your tokens for this period are used up",
    ]


def test_a_raised_limit_arms_the_levels_again(alice: User) -> None:
    factories.charged(alice, 9_000)
    factories.limit(alice, 20_000)
    between = shown(alice)

    factories.charged(alice, 1_000)

    assert levels(alice) == [50, 80, 50]
    assert (between, shown(alice)) == (None, 50)


def test_a_new_period_arms_the_levels_again(alice: User) -> None:
    later = AT + timedelta(days=31)
    factories.charged(alice, 5_000)

    factories.charged(alice, 5_000, at=later)

    assert levels(alice) == [50, 50]


def test_a_notice_is_shown_until_it_is_dismissed(alice: User) -> None:
    factories.charged(alice, 8_000)
    before = [shown(alice), shown(alice)]

    dismiss(alice)

    assert (before, shown(alice)) == ([80, 80], None)


def test_a_dismissed_level_hides_those_below_and_not_those_above(alice: User) -> None:
    factories.charged(alice, 8_000)
    dismiss(alice)
    factories.charged(alice, 1_500)

    assert shown(alice) == 95


def test_what_is_not_so_any_more_is_not_shown(alice: User) -> None:
    factories.charged(alice, 5_000)

    factories.limit(alice, None)

    assert shown(alice) is None


def test_tokens_that_were_given_back_take_the_notice_away(alice: User) -> None:
    charge = factories.charged(alice, 5_000)
    before = shown(alice)

    staff.refund(entry_id=charge.id, tokens=1, actor=None, reason="test", at=AT)

    assert (before, shown(alice)) == (50, None)


def test_nobody_dismisses_the_notice_of_somebody_else(alice: User, bob: User) -> None:
    factories.charged(alice, 5_000)

    notices.dismiss(user=bob, notice_id=Notice.objects.get().pk, at=AT)

    assert shown(alice) == 50


@pytest.mark.parametrize("change", [{"mail_notices": False}, {"is_active": False}])
def test_who_wants_no_mail_gets_none_now_or_later(alice: User, change: dict[str, bool]) -> None:
    User.objects.filter(pk=alice.pk).update(**change)
    factories.charged(alice, 5_000)

    told = notices.send_waiting(at=AT)
    User.objects.filter(pk=alice.pk).update(mail_notices=True, is_active=True)
    notices.send_waiting(at=AT)

    assert (told, subjects(), shown(alice)) == (0, [], 50)


def test_a_mail_that_comes_days_too_late_is_not_sent(alice: User) -> None:
    factories.charged(alice, 5_000)

    notices.send_waiting(at=AT + timedelta(days=2, seconds=1))

    assert subjects() == []


def test_a_server_that_is_away_only_delays_the_mail(alice: User, settings: Any) -> None:
    factories.charged(alice, 5_000)
    settings.EMAIL_BACKEND = "tests.mail_servers.Away"
    away = notices.send_waiting(at=AT)
    settings.EMAIL_BACKEND = LOCMEM

    back = notices.send_waiting(at=AT)

    assert (away, back, len(mail.outbox)) == (0, 1, 1)


def test_a_mail_that_failed_is_never_sent_again(alice: User, settings: Any) -> None:
    factories.charged(alice, 5_000)
    settings.EMAIL_BACKEND = "tests.mail_servers.HangsUp"
    notices.send_waiting(at=AT)
    settings.EMAIL_BACKEND = LOCMEM

    notices.send_waiting(at=AT)

    assert subjects() == []
    assert (Notice.objects.get().claimed_at, Notice.objects.get().sent_at) == (AT, None)


def test_a_failure_leaves_the_others_for_the_next_run(
    alice: User, bob: User, settings: Any
) -> None:
    factories.charged(alice, 5_000)
    factories.charged(bob, 5_000)
    settings.EMAIL_BACKEND = "tests.mail_servers.HangsUp"
    notices.send_waiting(at=AT)
    settings.EMAIL_BACKEND = LOCMEM

    notices.send_waiting(at=AT)

    assert [message.to for message in mail.outbox] == [["bob@example.org"]]


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(alice: User) -> None:
    factories.charged(alice, 9_600)
    together = Barrier(2)

    def work(_number: int) -> int:
        together.wait()
        try:
            return notices.send_waiting(at=AT)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        told = sorted(workers.map(work, range(2)))

    assert told == [0, 1]
    assert subjects() == ["Shorts: 96% of your tokens for this period are used"]


def test_the_mail_says_how_much_how_fast_and_where_to_stop_it(alice: User, settings: Any) -> None:
    settings.SITE_URL = "https://shorts.example.org"
    User.objects.filter(pk=alice.pk).update(date_joined=AT - timedelta(days=2))
    factories.charged(alice, 5_000)

    notices.send_waiting(at=AT)

    (message,) = mail.outbox
    html = message.alternatives[0].content
    assert "5,000 of 10,000 tokens of this period are used." in message.body
    assert "At this pace you run out on Nov. 27, 2026." in message.body
    assert "Your tokens are renewed on Dec. 1, 2026 at 00:00 (Asia/Seoul)." in message.body
    assert "https://shorts.example.org/accounts/notices/off/" in message.body
    assert "https://shorts.example.org/accounts/notices/off/" in html
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_mail_speaks_the_language_of_the_user(make_user: Any) -> None:
    jimin = make_user("jimin", language="ko")
    factories.charged(jimin, 10_000)

    notices.send_waiting(at=AT)

    (message,) = mail.outbox
    assert message.subject == "Shorts: 이번 기간의 토큰을 모두 사용했습니다"
    assert "이번 기간 토큰 10,000개 중 10,000개를 사용했습니다." in message.body
    assert '<html lang="ko">' in message.alternatives[0].content


def test_who_chose_no_language_gets_the_operators(alice: User, settings: Any) -> None:
    settings.LANGUAGE_CODE = "ko"
    factories.charged(alice, 5_000)

    notices.send_waiting(at=AT)

    assert subjects() == ["Shorts: 이번 기간 토큰의 50%를 사용했습니다"]


def test_staff_are_told_once_from_their_level_on(alice: User, settings: Any) -> None:
    settings.STAFF_EMAILS = ["desk@example.org"]
    settings.STAFF_NOTICE_LEVEL = 95
    factories.charged(alice, 8_000)
    notices.send_waiting(at=AT)
    factories.charged(alice, 1_500)

    notices.send_waiting(at=AT)
    notices.send_waiting(at=AT)

    to_staff = [message for message in mail.outbox if message.to == ["desk@example.org"]]
    assert [m.subject for m in to_staff] == ["alice@example.org has used 95% of their tokens"]
    assert "9,500 of 10,000" in to_staff[0].body
    assert Notice.objects.get(level=95).staff_sent_at == AT


@pytest.mark.parametrize(("level", "addresses"), [(0, ["desk@example.org"]), (50, [])])
def test_staff_may_want_no_mail(
    alice: User, settings: Any, level: int, addresses: list[str]
) -> None:
    settings.STAFF_EMAILS, settings.STAFF_NOTICE_LEVEL = addresses, level
    factories.charged(alice, 10_000)

    notices.send_waiting(at=AT)

    assert [message.to for message in mail.outbox] == [["alice@example.org"]]


def test_the_task_sends_what_waits(alice: User) -> None:
    from metering import tasks

    factories.charged(alice, 5_000, at=timezone.now())

    tasks.send_notices()

    assert len(mail.outbox) == 1
