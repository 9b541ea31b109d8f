"""Tell people what their charges have crossed, and staff that spending was paused.

The charge writes the rows; here they are shown on every page until they are dismissed, and
mailed afterwards, from the stored rows. Mail is sent at most once: a row is claimed, in a
transaction of its own, before anything goes out. What a dying worker has claimed is not sent again;
what a mail server that is away would have got is not even claimed, and waits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Exists, F, OuterRef, TextChoices
from django.urls import reverse

from accounts import mails
from accounts.models import User
from metering import pace, preferences, queries
from metering.models import Notice, SpendingBrake, StaffNotice

log = structlog.get_logger(__name__)

BATCH = 200
TOO_LATE = timedelta(days=2)


@dataclass(frozen=True)
class Shown:
    """The one notice that a user's pages show: what is used by now, in tokens and in percent,
    rounded down. `resets_at` is None if the tokens are never renewed."""

    id: int
    percent: int
    used_tokens: int
    limit_tokens: int
    resets_at: datetime | None


def to_show(*, user: User, at: datetime) -> Shown | None:
    """The highest level that was crossed in this period and is still so, until it is dismissed.

    A limit that was raised since, or tokens that were given back, make a notice untrue. One query.
    """
    ledger = "user__token_ledger"
    row = (
        Notice.objects.filter(
            user=user,
            period_start=F(f"{ledger}__period_start"),
            limit_tokens=F(f"{ledger}__token_limit") + F(f"{ledger}__granted"),
            seen_at__isnull=True,
        )
        .select_related(ledger)
        .order_by("-level")
        .first()
    )
    if row is None:
        return None
    now = queries.balance_of(ledger=row.user.token_ledger, in_flight=0, at=at)
    is_over = now.period_start != row.period_start
    if is_over or now.used_tokens * 100 < row.level * row.limit_tokens:
        return None
    return Shown(
        id=row.pk,
        percent=now.used_tokens * 100 // max(row.limit_tokens, 1),
        used_tokens=now.used_tokens,
        limit_tokens=row.limit_tokens,
        resets_at=now.resets_at,
    )


def of_period(*, user: User, period_start: date) -> Sequence[Notice]:
    """All notices of a period, dismissed or not, the newest first. One query."""
    rows = Notice.objects.filter(user=user, period_start=period_start)
    return list(rows.order_by("-id")[:BATCH])


def dismiss(*, user: User, notice_id: int, at: datetime) -> None:
    """The user has read a notice: it, and what is below it in its period, is shown no more."""
    row = Notice.objects.filter(pk=notice_id, user=user).first()
    if row is not None:
        Notice.objects.filter(
            user=user, period_start=row.period_start, level__lte=row.level, seen_at__isnull=True
        ).update(seen_at=at)


def send_waiting(*, at: datetime) -> int:
    """Mail what waits, one mail for each user and one for each brake. Returns how many users.

    Stops where a mail can't be sent; what was not claimed yet waits for the next run.
    """
    waiting = Notice.objects.filter(claimed_at__isnull=True)
    users = list(waiting.order_by("user").values_list("user_id", flat=True).distinct()[:BATCH])
    brakes = list(SpendingBrake.objects.filter(told_at__isnull=True).order_by("id")[:BATCH])
    told = 0
    if not (users or brakes):
        return told
    try:
        with mail.get_connection() as connection:
            for brake in brakes:
                _tell_of_brake(brake=brake, connection=connection, at=at)
            for user_id in users:
                told += _tell(rows=_claim(user_id=user_id, at=at), connection=connection, at=at)
    except OSError as error:
        log.error("a mail could not be sent", error=f"{type(error).__name__}: {error}")
    return told


def staff_told() -> Exists:
    """For a table whose primary key is a job's id, with a `kind`: staff were told of it before."""
    return Exists(StaffNotice.objects.filter(job_id=OuterRef("pk"), kind=OuterRef("kind")))


def tell_staff(
    *,
    jobs: Mapping[UUID, TextChoices],
    page: str,
    at: datetime,
    template: str = "staff_jobs",
    about: Mapping[str, str] | None = None,
) -> int:
    """Log, and mail to staff in one mail, the jobs that have come to need a person, and why.

    Each job and kind once. `page` is the address of the list of them, `about` what a template of
    another name says besides. Returns how many were new.
    """
    if not (jobs and settings.STAFF_EMAILS):
        return len(_claim_jobs(jobs=jobs, at=at))
    claimed: dict[UUID, TextChoices] = {}
    try:
        with mail.get_connection() as connection:
            claimed = _claim_jobs(jobs=jobs, at=at)
            if claimed:
                counts = Counter(claimed.values())
                shown = {
                    "count": len(claimed),
                    "kinds": [(kind.label, counts[kind]) for kind in counts],
                    "page": f"{settings.SITE_URL}{page}",
                    **(about or {}),
                }
                mails.to_staff(template=template, shown=shown, connection=connection)
    except OSError as error:
        log.error("a mail could not be sent", error=f"{type(error).__name__}: {error}")
    return len(claimed)


def _claim_jobs(*, jobs: Mapping[UUID, TextChoices], at: datetime) -> dict[UUID, TextChoices]:
    """Those of the jobs that nobody else has told staff of, each said to the log."""
    claimed = {}
    for job_id, kind in jobs.items():
        _notice, made = StaffNotice.objects.get_or_create(
            job_id=job_id, kind=kind.value, defaults={"created_at": at}
        )
        if made:
            claimed[job_id] = kind
            log.error("a job needs a person", job_id=str(job_id), kind=kind.value)
    return claimed


def _claim(*, user_id: int, at: datetime) -> list[Notice]:
    """Take all waiting rows of a user, the highest first. Who comes second gets none."""
    with transaction.atomic():
        rows = list(
            Notice.objects.select_for_update()
            .filter(user_id=user_id, claimed_at__isnull=True)
            .order_by("-period_start", "-level", "-id")
        )
        Notice.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_at=at)
    return rows


def _tell(*, rows: list[Notice], connection: BaseEmailBackend, at: datetime) -> bool:
    """Mail the highest of a user's claimed rows to the user and, from their level on, to staff."""
    if not rows or at - rows[0].created_at > TOO_LATE:
        return False
    top = rows[0]
    user = User.objects.get(pk=top.user_id)
    mailed = user.mail_notices and user.is_active
    if mailed:
        _user_mail(notice=top, user=user, at=at, connection=connection).send()
        Notice.objects.filter(pk=top.pk).update(sent_at=at)
    if settings.STAFF_EMAILS and 0 < settings.STAFF_NOTICE_LEVEL <= top.level:
        shown = {"notice": top, "user": user, "page": _url("admin:metering_notice_changelist")}
        mails.to_staff(template="staff_notice", shown=shown, connection=connection)
        Notice.objects.filter(pk=top.pk).update(staff_sent_at=at)
    return mailed


def _tell_of_brake(*, brake: SpendingBrake, connection: BaseEmailBackend, at: datetime) -> None:
    won = SpendingBrake.objects.filter(pk=brake.pk, told_at__isnull=True).update(told_at=at)
    if won and settings.STAFF_EMAILS and at - brake.paused_at <= TOO_LATE:
        shown = {"brake": brake, "page": _url("admin:metering_spendingbrake_changelist")}
        mails.to_staff(template="staff_brake", shown=shown, connection=connection)


def _user_mail(
    *, notice: Notice, user: User, at: datetime, connection: BaseEmailBackend
) -> mail.EmailMultiAlternatives:
    """In the user's language and time zone, whoever's the process is in."""
    off = _url("notices_off", preferences.off_token(user=user))
    balance = queries.balance(user=user, at=at)
    shown = {
        "notice": notice,
        "width": min(100, notice.percent),
        "balance": balance,
        "runs_out_on": pace.of(balance=balance, user=user, at=at),
        "studio": settings.SITE_URL + settings.LOGIN_REDIRECT_URL,
        "usage": _url("usage"),
        "choice": _url("notices"),
        "off": off,
    }
    one_click = {
        "List-Unsubscribe": f"<{off}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return mails.to_reader(
        template="notice",
        shown=shown,
        reader=mails.reader(user=user),
        headers=one_click,
        connection=connection,
    )


def _url(name: str, *arguments: object) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=arguments)}"
