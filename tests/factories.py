"""Small ready-made things for tests of the ledger: quotes, holds and charges at a given instant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.models import User
from generation.models import FINAL, Short
from metering import ledger, queries, quotes
from metering.models import Hold, LedgerEntry, TokenLedger
from metering.types import Balance, Charge, LegRequest, OpenHold, Quote, QuoteLine, Usage

# Noon in Seoul, in the middle of a month.
AT = datetime(2026, 11, 25, 3, tzinfo=UTC)
ANALYSIS = LegRequest(api_type="gemini-image-analysis", model="gemini-3.8-flash")
VIDEO = LegRequest(
    api_type="gemini-veo-video", model="veo-3.1-fast-generate-001", seconds=8, resolution="720p"
)
REPORTED = Usage(prompt_tokens=310, candidates_tokens=97, thoughts_tokens=80, total_tokens=487)
RENDERED = Usage(seconds=8, resolution="720p", provider_id="op-1")


def open_since(user: User, day: date = date(2026, 1, 1)) -> User:
    """A user whose ledger was opened on that day and not touched since, whatever the clock says."""
    TokenLedger.objects.filter(user=user).update(period_start=day)
    return user


def quote_for(*legs: LegRequest, at: datetime = AT) -> Quote:
    """The price of these legs; of an ordinary short, 500 + 1,000 tokens, if there are none."""
    return quotes.quote(legs=legs or (ANALYSIS, VIDEO), at=at)


def raw_line(tokens: int, *, api_type: str = ANALYSIS.api_type) -> QuoteLine:
    """A leg that is charged in raw tokens, with an estimate of one's own."""
    (line,) = quote_for(ANALYSIS).lines
    return replace(line, tokens=tokens, api_type=api_type)


def raw_quote(*tokens: int) -> Quote:
    """A job with one leg of raw tokens for each number."""
    return Quote(lines=tuple(raw_line(n, api_type=f"leg-{i}") for i, n in enumerate(tokens)))


def hold(
    user: User,
    *tokens: int,
    quote: Quote | None = None,
    job_id: UUID | None = None,
    key: str | None = None,
    at: datetime = AT,
) -> tuple[OpenHold, ...]:
    """A job's holds: of these raw tokens, of the quote, or of an ordinary short."""
    quote = quote or (raw_quote(*tokens) if tokens else quote_for(at=at))
    return ledger.hold(
        user=user, job_id=job_id or uuid4(), quote=quote, key=key or f"hold:{uuid4()}", at=at
    )


def due(user: User, tokens: int = 487, *, held: int = 500, at: datetime = AT) -> OpenHold:
    """A hold of a job of its own whose use has been reported."""
    (one,) = hold(user, held, at=at)
    ledger.record_usage(hold=one, attempt=1, usage=Usage(total_tokens=tokens), at=at)
    return one


def charged(user: User, tokens: int = 487, *, held: int = 500, at: datetime = AT) -> Charge:
    """A job that was held, used and charged."""
    return ledger.charge(hold=due(user, tokens, held=held, at=at), at=at)


def short_charged(user: User, *, job_id: UUID | None = None, at: datetime = AT) -> UUID:
    """An ordinary short with both legs charged: 487 and 1,000 tokens."""
    job_id = job_id or uuid4()
    for one, usage in zip(hold(user, job_id=job_id, at=at), (REPORTED, RENDERED), strict=True):
        ledger.record_usage(hold=one, attempt=1, usage=usage, at=at)
        ledger.charge(hold=one, at=at)
    return job_id


def limit(user: User, tokens: int | None, *, at: datetime = AT, **more: Any) -> int:
    """Set a limit as staff would."""
    return ledger.set_limit(
        user=user, tokens=tokens, actor=None, reason="test", key=f"limit:{uuid4()}", at=at, **more
    )


def act() -> dict[str, Any]:
    """What every staff verb wants to be told."""
    return {"actor": None, "reason": "test", "key": f"act:{uuid4()}"}


def balance(user: User, at: datetime = AT) -> Balance:
    """The user's figures."""
    return queries.balance(user=user, at=at)


def figures(user: User, at: datetime = AT) -> tuple[int, int]:
    """What the user has used and holds."""
    now = balance(user, at)
    return now.used_tokens, now.held_tokens


def row(one: OpenHold) -> Hold:
    """The hold as it is stored."""
    return Hold.objects.get(pk=one.id)


def entry(charge: Charge) -> LedgerEntry:
    """The entry of a charge."""
    return LedgerEntry.objects.get(pk=charge.id)


def plant(sql: str, *arguments: Any) -> None:
    """Write around the books, as only the database's owner can: with the triggers lifted."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, arguments)
        cursor.execute("SET LOCAL session_replication_role = origin")


@contextmanager
def elsewhere() -> Iterator[BaseDatabaseWrapper]:
    """A second connection to the same database, as another process would have."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def short(user: User, state: str, *, job_id: UUID | None = None) -> Short:
    """A short that stands in a state, moved there by nobody."""
    return Short.objects.create(
        id=job_id or uuid4(), user=user, state=state, picture="p.jpg", picture_width=16,
        picture_height=9, model=VIDEO.model, seconds=8, resolution="720p", aspect_ratio="16:9",
        created_at=AT, finished_at=AT if state in FINAL else None, operation_name="op-1",
        video="v.mp4",
    )  # fmt: skip
