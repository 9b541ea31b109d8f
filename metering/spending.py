"""The operator's brake: what all users together may cost in a day.

Looked at before the hold, so that nothing starts once the day's budget is spent.
"""

from datetime import datetime
from decimal import Decimal

import structlog
from django.conf import settings

from metering import queries
from metering.types import Quote

log = structlog.get_logger(__name__)


class SpendingPaused(Exception):
    """The day's budget of the operator is used up: nothing was started, nothing was taken."""

    code = "spending_paused"


def check(*, quote: Quote, at: datetime) -> None:
    """Let a job pass, or raise SpendingPaused where it would exceed `DAILY_SPEND_LIMIT_USD`."""
    limit: Decimal | None = settings.DAILY_SPEND_LIMIT_USD
    if limit is None:
        return
    spent = queries.spend_usd(at=at)
    if spent + quote.cost_usd > limit:
        log.error(
            "daily spend limit reached, new jobs are refused",
            spent_usd=str(spent),
            asked_usd=str(quote.cost_usd),
            limit_usd=str(limit),
        )
        raise SpendingPaused(f"The daily spend limit of {limit} USD is reached.")
