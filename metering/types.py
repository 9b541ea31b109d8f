"""Frozen values that cross the borders between apps.

Tokens are integers, dollars are Decimal. Unlimited is None, never a large number.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

_DECIMALS = (
    "usd",
    "cost_usd",
    "tokens_per_usd",
    "usd_per_second",
    "cost_usd_per_second",
    "cost_usd_per_million_input",
    "cost_usd_per_million_output",
)


@dataclass(frozen=True)
class LegRequest:
    """One paid step of a job, before it has a price. `seconds` only where time is billed."""

    api_type: str
    model: str
    seconds: int | None = None
    resolution: str = ""


@dataclass(frozen=True)
class QuoteLine:
    """The price of one leg, with all that made it: what a hold freezes.

    `tokens` is the estimate. `usd` is the tariff in dollars, None where raw tokens are charged one
    for one. `cost_usd` is what the provider is expected to bill.
    """

    api_type: str
    model: str
    label: str
    tokens: int
    usd: Decimal | None
    cost_usd: Decimal
    rate_card_id: int
    tokens_per_usd: Decimal
    usd_per_second: Decimal | None = None
    cost_usd_per_second: Decimal | None = None
    cost_usd_per_million_input: Decimal | None = None
    cost_usd_per_million_output: Decimal | None = None
    seconds: int | None = None
    resolution: str = ""
    bills_filtered: bool = False

    def to_json(self) -> dict[str, Any]:
        """A form that JSON can hold; dollars become strings, so that no digit is lost."""
        return {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "QuoteLine":
        """The line that `to_json` stored."""
        values = dict(stored)
        for name in _DECIMALS:
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Quote:
    """The price of a whole job, leg by leg."""

    lines: tuple[QuoteLine, ...]

    @property
    def tokens(self) -> int:
        """Tokens that the whole job is expected to take."""
        return sum(line.tokens for line in self.lines)

    @property
    def cost_usd(self) -> Decimal:
        """Dollars that the provider is expected to bill for the whole job."""
        return sum((line.cost_usd for line in self.lines), Decimal(0))


@dataclass(frozen=True)
class OpenHold:
    """A hold that is live: the right to make one provider call, and what it may cost."""

    id: int
    user_id: int
    job_id: UUID
    amount: int
    line: QuoteLine


class Held(tuple[OpenHold, ...]):
    """A job's holds, in the order of its legs.

    `remaining_tokens` is what remained right after, holds not subtracted; None if unlimited.
    """

    remaining_tokens: int | None

    def __new__(cls, holds: Iterable[OpenHold], remaining_tokens: int | None = None) -> "Held":
        """The holds as they are read: one by one, or all at once."""
        held = super().__new__(cls, holds)
        held.remaining_tokens = remaining_tokens
        return held


@dataclass(frozen=True)
class Usage:
    """What a provider reported for one call. None means: not reported."""

    prompt_tokens: int | None = None
    candidates_tokens: int | None = None
    thoughts_tokens: int | None = None
    cached_tokens: int | None = None
    tool_tokens: int | None = None
    total_tokens: int | None = None
    seconds: int | None = None
    resolution: str = ""
    provider_id: str = ""


@dataclass(frozen=True)
class PricedUsage:
    """What a reported usage comes to: tokens to charge, tariff and cost in dollars, the basis."""

    tokens: int
    usd: Decimal | None
    cost_usd: Decimal
    basis: str


@dataclass(frozen=True)
class Balance:
    """One user's figures of one instant, in tokens. `limit_tokens` None means unlimited."""

    limit_tokens: int | None
    granted_tokens: int
    used_tokens: int
    held_tokens: int
    period_kind: str
    period_start: date
    period_starts_at: datetime
    resets_at: datetime | None
    in_flight: int
    max_in_flight: int
    suspended: bool

    @property
    def remaining_tokens(self) -> int | None:
        """Limit and grants less what was used; holds are not subtracted. None if unlimited."""
        if self.limit_tokens is None:
            return None
        return self.limit_tokens + self.granted_tokens - self.used_tokens

    @property
    def available_tokens(self) -> int | None:
        """What a new hold may take: `remaining_tokens` less what is held. None if unlimited."""
        if self.remaining_tokens is None:
            return None
        return self.remaining_tokens - self.held_tokens


@dataclass(frozen=True)
class LimitCheck:
    """Advice on whether an estimate fits, true where it does. Only a hold decides."""

    allowed: bool
    estimated_tokens: int
    balance: Balance

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Charge:
    """A charge as the ledger holds it.

    The first and a repeated call give equal ones: `remaining_tokens`, the user's own right after
    the call, and `repeated` are said of the call.
    """

    id: int
    tokens: int
    usd: Decimal | None
    remaining_tokens: int | None = field(compare=False)
    repeated: bool = field(compare=False)


@dataclass(frozen=True)
class Refundable:
    """How much of a charge may still be given back, in tokens.

    `period_closed`: the charge belongs to an earlier period, so a refund gives nothing back today.
    """

    charged_tokens: int
    left_tokens: int
    period_closed: bool
