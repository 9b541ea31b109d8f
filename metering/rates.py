"""Find the price for a date, and turn dollars into tokens.

Tokens are integers, dollars are Decimal. `tokens_for` is the one place where dollars become tokens
and are rounded. Tariff is what users are charged by, cost is what the provider bills: each result
carries both.
"""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q, QuerySet

from metering.models import ConversionRate, RateCard, UsageEvent
from metering.types import PricedUsage, QuoteLine, Usage

MILLION = Decimal(1_000_000)
# No call uses more: a count above it is a mistake, and its dollars would not fit into the books.
MOST_TOKENS = 10**12
CENT = Decimal("0.01")


class UnpricedModel(Exception):
    """No rate card is in force for what is asked, so it can't be sold."""

    code = "unpriced_model"

    def __init__(self, *, api_type: str, model: str, resolution: str) -> None:
        super().__init__(f"No price is in force for {model} {resolution}".strip() + ".")
        self.api_type = api_type
        self.model = model
        self.resolution = resolution


def cards_in_force(*, at: datetime) -> QuerySet[RateCard]:
    """All rate cards in force at an instant, the newest of each model and resolution.

    Where the newest is retired there is none: an older price does not come back.
    """
    newest = (
        RateCard.objects.filter(enabled=True, effective_from__lte=at)
        .order_by("api_type", "model", "resolution", "-effective_from")
        .distinct("api_type", "model", "resolution")
    )
    return RateCard.objects.filter(pk__in=newest.values("pk")).filter(
        Q(retires_at__isnull=True) | Q(retires_at__gt=at)
    )


def card(*, api_type: str, model: str, resolution: str, at: datetime) -> RateCard:
    """The rate card in force. Raises UnpricedModel if there is none."""
    found = (
        cards_in_force(at=at).filter(api_type=api_type, model=model, resolution=resolution).first()
    )
    if found is None:
        raise UnpricedModel(api_type=api_type, model=model, resolution=resolution)
    return found


def only_model(*, api_type: str, at: datetime) -> str:
    """The one model that has a price for an API type.

    Raises UnpricedModel where there is none, and ValueError where a caller has to choose.
    """
    models = set(cards_in_force(at=at).filter(api_type=api_type).values_list("model", flat=True))
    if not models:
        raise UnpricedModel(api_type=api_type, model=api_type, resolution="")
    if len(models) > 1:
        raise ValueError(f"{api_type} has {len(models)} models with a price, so one must be named.")
    return models.pop()


def tokens_per_usd(*, at: datetime) -> Decimal:
    """Tokens per dollar in force at an instant. Raises UnpricedModel if there is no rate."""
    rate = ConversionRate.objects.filter(effective_from__lte=at).first()
    if rate is None:
        raise UnpricedModel(api_type="", model="tokens per dollar", resolution="")
    return rate.tokens_per_usd


def tokens_for(*, usd: Decimal, tokens_per_usd: Decimal) -> int:
    """Dollars as tokens, rounded half up, at least 1."""
    return max(1, int((usd * tokens_per_usd).to_integral_value(rounding=ROUND_HALF_UP)))


def usd_text(usd: Decimal) -> str:
    """Dollars as people write them: at least two decimals, and no digit lost."""
    plain = usd.normalize()
    exponent = plain.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -2:
        plain = usd.quantize(CENT)
    return f"{plain:f}"


def price(*, line: QuoteLine, usage: Usage) -> PricedUsage:
    """What a reported usage comes to, at the prices frozen in `line`.

    Seconds where the tariff is by the second. Else raw tokens one for one: the reported total; the
    sum of the parts (basis `derived`) where the total is missing or below them; the estimate (basis
    `estimated`) where nothing was reported, or nothing that can be. Cached tokens are inside the
    prompt's and thoughts are billed as output: https://ai.google.dev/gemini-api/docs/pricing
    """
    if line.usd_per_second is not None:
        seconds = usage.seconds if usage.seconds is not None else line.seconds or 0
        usd = seconds * line.usd_per_second
        return PricedUsage(
            tokens=tokens_for(usd=usd, tokens_per_usd=line.tokens_per_usd),
            usd=usd,
            cost_usd=seconds * (line.cost_usd_per_second or Decimal(0)),
            basis=UsageEvent.Basis.REPORTED
            if usage.seconds is not None
            else UsageEvent.Basis.ESTIMATED,
        )
    tokens, basis = _raw_tokens(line=line, usage=usage)
    return PricedUsage(
        tokens=tokens, usd=None, cost_usd=_token_cost(line=line, usage=usage, tokens=tokens),
        basis=basis,
    )  # fmt: skip


def _raw_tokens(*, line: QuoteLine, usage: Usage) -> tuple[int, str]:
    parts = _known(usage.prompt_tokens) + _output_tokens(usage) + _known(usage.tool_tokens)
    total = _known(usage.total_tokens)
    if total > 0 and total >= parts:
        return total, UsageEvent.Basis.REPORTED
    if parts > 0:
        return parts, UsageEvent.Basis.DERIVED
    return line.tokens, UsageEvent.Basis.ESTIMATED


def _token_cost(*, line: QuoteLine, usage: Usage, tokens: int) -> Decimal:
    """Dollars that the provider bills; what can't be told from the prompt counts as output."""
    prompt = min(_known(usage.prompt_tokens) + _known(usage.tool_tokens), tokens)
    return (
        prompt * (line.cost_usd_per_million_input or Decimal(0))
        + (tokens - prompt) * (line.cost_usd_per_million_output or Decimal(0))
    ) / MILLION


def _output_tokens(usage: Usage) -> int:
    return _known(usage.candidates_tokens) + _known(usage.thoughts_tokens)


def _known(count: int | None) -> int:
    return count if count is not None and 0 < count <= MOST_TOKENS else 0


def formula(*, line: QuoteLine, seconds: int | None, tokens: int) -> str:
    """How a charge came about, as a line that anyone can check with a calculator."""
    if line.usd_per_second is None:
        return f"{tokens} × 1"
    return f"{seconds} s × ${usd_text(line.usd_per_second)} × {line.tokens_per_usd.normalize():f}"
