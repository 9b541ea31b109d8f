"""What the tests of the staff pages share: people at work, and rows for them to look at."""

from datetime import datetime
from uuid import UUID, uuid4

from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import ledger, quotes
from metering.models import LedgerEntry, Notice, TokenLedger
from metering.types import LegRequest, Usage

ANALYSIS = LegRequest(api_type="gemini-image-analysis", model="gemini-3.8-flash")
VIDEO = LegRequest(
    api_type="gemini-veo-video", model="veo-3.1-fast-generate-001", seconds=8, resolution="720p"
)
LEDGERS = "/admin/metering/tokenledger/"


def signed_in(user: User) -> Client:
    """A browser of somebody who has logged in."""
    client = Client()
    client.force_login(user)
    return client


def allow(user: User, *rights: str) -> User:
    """Make somebody staff, with these rights and no others."""
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def spend(user: User, *, charged: bool = True, at: datetime | None = None) -> UUID:
    """One video of 1,000 tokens: held, reported, and charged unless told otherwise."""
    at = at or timezone.now()
    job_id = uuid4()
    quote = quotes.quote(legs=[VIDEO], at=at)
    (hold,) = ledger.hold(user=user, job_id=job_id, quote=quote, key=str(job_id), at=at)
    usage = Usage(seconds=8, resolution="720p")
    ledger.record_usage(hold=hold, attempt=1, usage=usage, at=at)
    if charged:
        ledger.charge(hold=hold, at=at)
    return job_id


def notice(user: User) -> Notice:
    """A threshold that was crossed."""
    return Notice.objects.create(
        user=user,
        period_start=ledger_of(user).period_start,
        level=50,
        limit_tokens=10_000,
        used_tokens=5_000,
        created_at=timezone.now(),
    )


def limit_page(user: User) -> str:
    return f"{LEDGERS}{user.pk}/limit/"


def ledger_of(user: User) -> TokenLedger:
    return TokenLedger.objects.get(user=user)


def entries_of(user: User) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(user=user).order_by("seq"))
