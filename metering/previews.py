"""What a change of price would have done to the last real jobs. Nothing is stored.

Only what is changed is taken as new: a rate card meets the conversion rate that was frozen in each
job's hold, a conversion rate the tariff that was. Units: tokens, dollars of tariff and of cost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from metering import quotes, rates
from metering.models import RateCard, UsageEvent
from metering.types import QuoteLine, Usage

JOBS = 25
# How far back jobs are looked for, in events, so that a model that nobody uses costs no full scan.
LOOKED_AT = 100_000


@dataclass(frozen=True)
class Figures:
    """What one job or several come to; `usd` is None where tokens are charged one for one."""

    tokens: int
    usd: Decimal | None
    cost_usd: Decimal


@dataclass(frozen=True)
class Job:
    """One leg that was charged: as it was, and as it would have been."""

    event_id: int
    job_id: UUID | None
    user: str
    at: datetime
    before: Figures
    after: Figures


@dataclass(frozen=True)
class Preview:
    """The last real jobs, the newest first, and what they come to before and after the change."""

    jobs: tuple[Job, ...]
    before: Figures
    after: Figures


def of_card(*, card: RateCard) -> Preview:
    """The last jobs with the model and resolution of a rate card, stored or not, at its prices."""
    events = _charged().filter(
        api_type=card.api_type, model=card.model, hold__line__resolution=card.resolution
    )
    return _preview(_at_card(events, card))


def of_rate(*, tokens_per_usd: Decimal) -> Preview:
    """The last jobs with a tariff in dollars, at another number of tokens for a dollar."""
    events = _charged().filter(usd__isnull=False)
    return _preview(
        (event, replace(_frozen(event), tokens_per_usd=tokens_per_usd)) for event in _newest(events)
    )


def _at_card(
    events: QuerySet[UsageEvent], card: RateCard
) -> Iterator[tuple[UsageEvent, QuoteLine]]:
    """Each event with the line that its hold would have frozen; what has no length has none."""
    for event in _newest(events):
        frozen = _frozen(event)
        seconds = frozen.seconds or event.seconds
        if card.usd_per_second is None or seconds:
            yield (
                event,
                quotes.line_for(card=card, seconds=seconds, tokens_per_usd=frozen.tokens_per_usd),
            )


def _charged() -> QuerySet[UsageEvent]:
    """Events that a charge was made from, of late."""
    newest = UsageEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return UsageEvent.objects.filter(
        pk__gt=newest - LOOKED_AT, billable=True, hold__isnull=False
    ).select_related("hold", "user")


def _newest(events: QuerySet[UsageEvent]) -> QuerySet[UsageEvent]:
    return events.order_by("-pk")[:JOBS]


def _frozen(event: UsageEvent) -> QuoteLine:
    hold: Any = event.hold
    line: QuoteLine = hold.to_open_hold().line
    return line


def _preview(priced: Iterable[tuple[UsageEvent, QuoteLine]]) -> Preview:
    jobs = tuple(_job(event, line) for event, line in priced)
    return Preview(
        jobs=jobs,
        before=_sum([job.before for job in jobs]),
        after=_sum([job.after for job in jobs]),
    )


def _job(event: UsageEvent, line: QuoteLine) -> Job:
    price = rates.price(line=line, usage=_reported(event))
    return Job(
        event_id=event.pk, job_id=event.job_id, user=str(event.user), at=event.created_at,
        before=Figures(tokens=event.tokens, usd=event.usd, cost_usd=event.cost_usd),
        after=Figures(tokens=price.tokens, usd=price.usd, cost_usd=price.cost_usd),
    )  # fmt: skip


def _reported(event: UsageEvent) -> Usage:
    """What the provider reported; of raw tokens the total that was counted, also where it was
    derived from parts of which some are not stored."""
    if event.basis == UsageEvent.Basis.ESTIMATED:
        return Usage()
    return Usage(
        prompt_tokens=event.prompt_tokens, candidates_tokens=event.candidates_tokens,
        thoughts_tokens=event.thoughts_tokens, seconds=event.seconds,
        total_tokens=event.tokens if event.usd is None else event.total_tokens,
    )  # fmt: skip


def _sum(figures: list[Figures]) -> Figures:
    dollars = [one.usd for one in figures if one.usd is not None]
    return Figures(
        tokens=sum(one.tokens for one in figures),
        usd=sum(dollars, Decimal(0)) if dollars else None,
        cost_usd=sum((one.cost_usd for one in figures), Decimal(0)),
    )
