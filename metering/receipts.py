"""What one job held, used, charged and gave back, leg by leg, and why."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from metering import rates
from metering.models import ConversionRate, Hold, LedgerEntry, RateCard
from metering.types import QuoteLine

REUSED = "reused"


@dataclass(frozen=True)
class ReceiptLeg:
    """One leg of a job. Tokens; `charged_tokens` is 0 until it is charged.

    `usd_per_second` is None where raw tokens are charged one for one. These prices are the frozen
    ones of `quoted_at`. `refund_entry_id` is the newest refund.
    """

    api_type: str
    model: str
    label: str
    state: str
    parked: bool
    quoted_usd: Decimal | None
    estimated_tokens: int
    charged_tokens: int
    refunded_tokens: int
    returned_tokens: int
    basis: str | None
    usd: Decimal | None
    usage: dict[str, Any] | None
    formula: str | None
    entry_id: int | None
    refund_entry_id: int | None
    usd_per_second: Decimal | None
    tokens_per_usd: Decimal
    rate_card_id: int
    quoted_at: datetime


@dataclass(frozen=True)
class Receipt:
    """The whole job. `held_tokens` is what was set aside at the start."""

    legs: tuple[ReceiptLeg, ...]

    @property
    def held_legs(self) -> tuple[ReceiptLeg, ...]:
        """Without those that were reused."""
        return tuple(leg for leg in self.legs if leg.state != REUSED)

    @property
    def held_tokens(self) -> int:
        return sum(leg.estimated_tokens for leg in self.legs)

    @property
    def charged_tokens(self) -> int:
        return sum(leg.charged_tokens for leg in self.legs)

    @property
    def returned_tokens(self) -> int:
        return sum(leg.returned_tokens for leg in self.legs)

    @property
    def refunded_tokens(self) -> int:
        return sum(leg.refunded_tokens for leg in self.legs)


def receipt(*, job_id: UUID | str) -> Receipt:
    """The receipt of one job, in two queries. Its id may be as the API writes it."""
    job = UUID(str(job_id))
    return receipts_of(job_ids=[job])[job]


def receipts_of(*, job_ids: Collection[UUID]) -> Mapping[UUID, Receipt]:
    """The receipt of each of these jobs, in two queries however many they are."""
    # Holds first: a hold that was seen closed has its charge among the entries read afterwards.
    holds = list(Hold.objects.filter(job_id__in=job_ids).order_by("id"))
    entries_of = defaultdict[UUID | None, list[LedgerEntry]](list)
    rows = LedgerEntry.objects.filter(job_id__in=job_ids).select_related("event")
    for entry in rows.order_by("id"):
        entries_of[entry.job_id].append(entry)
    legs: dict[UUID, list[ReceiptLeg]] = {job_id: [] for job_id in job_ids}
    for hold in holds:
        legs[hold.job_id].append(_leg(hold=hold, entries=entries_of[hold.job_id]))
    return {job_id: Receipt(legs=tuple(of_job)) for job_id, of_job in legs.items()}


@dataclass(frozen=True)
class PricesSince:
    """Since when the prices of a receipt were in force when they were frozen: of each rate card by
    its id, and of the tokens per dollar, None if that rate can't be told any more."""

    cards: Mapping[int, datetime]
    conversion: datetime | None


def prices_since(*, receipt: Receipt) -> PricesSince:
    """The dates of a receipt's prices, in two queries; none for one without legs."""
    if not receipt.legs:
        return PricesSince(cards={}, conversion=None)
    ids = {leg.rate_card_id for leg in receipt.legs}
    cards = RateCard.objects.filter(pk__in=ids).values_list("pk", "effective_from")
    last = receipt.legs[-1]
    rate = ConversionRate.objects.filter(
        effective_from__lte=last.quoted_at, tokens_per_usd=last.tokens_per_usd
    ).first()
    return PricesSince(cards=dict(cards), conversion=rate.effective_from if rate else None)


def reused(leg: ReceiptLeg) -> ReceiptLeg:
    """A leg of another job whose result was taken over: nothing was held or charged for it."""
    return replace(
        leg,
        state=REUSED,
        parked=False,
        quoted_usd=None,
        estimated_tokens=0,
        charged_tokens=0,
        refunded_tokens=0,
        returned_tokens=0,
        basis=None,
        usd=None,
        usage=None,
        formula=None,
        entry_id=None,
        refund_entry_id=None,
    )


def _leg(*, hold: Hold, entries: Sequence[LedgerEntry]) -> ReceiptLeg:
    line = QuoteLine.from_json(hold.line)
    charge = next((e for e in entries if e.kind == "charge" and e.hold_id == hold.pk), None)
    refunds = [e for e in entries if charge and e.kind == "refund" and e.reverses_id == charge.pk]
    charged = charge.tokens if charge else 0
    closed = hold.state in (Hold.State.CAPTURED, Hold.State.RELEASED, Hold.State.WRITTEN_OFF)
    return ReceiptLeg(
        api_type=hold.api_type,
        model=hold.model,
        label=line.label,
        state=hold.state,
        parked=hold.parked,
        quoted_usd=line.usd,
        estimated_tokens=hold.amount,
        charged_tokens=charged,
        refunded_tokens=-sum(e.tokens for e in refunds),
        returned_tokens=max(hold.amount - charged, 0) if closed else 0,
        basis=charge.event.basis if charge and charge.event else None,
        usd=charge.usd if charge else None,
        usage=_usage(line=line, charge=charge),
        formula=_formula(line=line, charge=charge),
        entry_id=charge.pk if charge else None,
        refund_entry_id=refunds[-1].pk if refunds else None,
        usd_per_second=line.usd_per_second,
        tokens_per_usd=line.tokens_per_usd,
        rate_card_id=line.rate_card_id,
        quoted_at=hold.created_at,
    )


def _formula(*, line: QuoteLine, charge: LedgerEntry | None) -> str | None:
    if charge is None or charge.event is None:
        return None
    return rates.formula(line=line, seconds=charge.event.seconds, tokens=charge.tokens)


def _usage(*, line: QuoteLine, charge: LedgerEntry | None) -> dict[str, Any] | None:
    event = charge.event if charge else None
    if event is None:
        return None
    if line.usd_per_second is not None:
        return {"seconds": event.seconds, "resolution": event.resolution}
    counts = {
        "prompt": event.prompt_tokens,
        "candidates": event.candidates_tokens,
        "thoughts": event.thoughts_tokens,
        "cached": event.cached_tokens,
        "total": event.total_tokens,
    }
    if event.total_tokens is None:
        return counts
    # The provider leaves out counts that are zero.
    return {name: count or 0 for name, count in counts.items()}
