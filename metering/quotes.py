"""Price a job before it is made. Nothing is written.

A quote is frozen: the rate card and the conversion rate in force at its instant go with it into the
hold, so a price changed later never changes a job that is under way.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from accounts.models import User
from metering import instants, queries, rates
from metering.models import RateCard
from metering.types import LegRequest, LimitCheck, Quote, QuoteLine


@instants.now_unless_given
def quote(*, legs: Sequence[LegRequest], at: datetime) -> Quote:
    """The price of a job's legs. Raises rates.UnpricedModel where no price is in force."""
    per_usd = rates.tokens_per_usd(at=at)
    return Quote(
        lines=tuple(
            line_for(
                card=rates.card(
                    api_type=leg.api_type, model=leg.model, resolution=leg.resolution, at=at
                ),
                seconds=leg.seconds,
                tokens_per_usd=per_usd,
            )
            for leg in legs
        )
    )


def line_for(*, card: RateCard, seconds: int | None, tokens_per_usd: Decimal) -> QuoteLine:
    """One leg at the price of one rate card. `seconds` only where time is billed.

    Raises ValueError where time is billed and there is none: it would be sold for next to nothing.
    """
    usd: Decimal | None = None
    if card.usd_per_second is None:
        tokens = card.estimate_tokens or 0
        cost = tokens * (card.cost_usd_per_million_output or Decimal(0)) / rates.MILLION
    elif seconds is None or seconds < 1:
        raise ValueError(f"{card.model} is billed by the second, and {seconds} is no length.")
    else:
        usd = seconds * card.usd_per_second
        tokens = rates.tokens_for(usd=usd, tokens_per_usd=tokens_per_usd)
        cost = seconds * (card.cost_usd_per_second or Decimal(0))
    return QuoteLine(
        api_type=card.api_type,
        model=card.model,
        label=card.label,
        tokens=tokens,
        usd=usd,
        cost_usd=cost,
        rate_card_id=card.pk,
        tokens_per_usd=tokens_per_usd,
        usd_per_second=card.usd_per_second,
        cost_usd_per_second=card.cost_usd_per_second,
        cost_usd_per_million_input=card.cost_usd_per_million_input,
        cost_usd_per_million_output=card.cost_usd_per_million_output,
        seconds=seconds,
        resolution=card.resolution,
        bills_filtered=card.bills_filtered,
    )


@instants.now_unless_given
def check_token_limit(*, user: User, estimated_tokens: int, at: datetime) -> LimitCheck:
    """Whether an estimate would fit, with the user's figures. Advice: spends and locks nothing."""
    balance = queries.balance(user=user, at=at)
    available = balance.available_tokens
    return LimitCheck(
        allowed=available is None or estimated_tokens <= available,
        estimated_tokens=estimated_tokens,
        balance=balance,
    )
