"""Bodies that the REST API answers with: figures of a ledger."""

from typing import Any

from rest_framework import serializers

from metering import rates
from metering.models import LedgerEntry
from metering.types import Balance


class UtcField(serializers.DateTimeField):
    """An instant in UTC, ISO 8601 with `Z`."""

    def __init__(self, **options: Any) -> None:
        from datetime import UTC

        super().__init__(default_timezone=UTC, **options)


class DollarsField(serializers.Field[Any, Any, Any, Any]):
    """Dollars as a string, None where there are none."""

    def to_representation(self, value: Any) -> str:
        return rates.usd_text(value)


class BalanceBody(serializers.Serializer[Balance]):
    """All in tokens; null means unlimited, or a lifetime limit that never resets."""

    limit_tokens = serializers.IntegerField(allow_null=True)
    granted_tokens = serializers.IntegerField()
    used_tokens = serializers.IntegerField()
    held_tokens = serializers.IntegerField()
    remaining_tokens = serializers.IntegerField(allow_null=True)
    available_tokens = serializers.IntegerField(allow_null=True)
    resets_at = UtcField(allow_null=True)


class EntryBody(serializers.Serializer[LedgerEntry]):
    """One line of the statement. What it cost the operator is not told."""

    seq = serializers.IntegerField()
    time = UtcField(source="created_at")
    kind = serializers.CharField()
    tokens = serializers.IntegerField()
    usd = DollarsField(allow_null=True)
    api_type = serializers.CharField()
    model = serializers.CharField()
    job_id = serializers.UUIDField(allow_null=True)
    used_after = serializers.IntegerField()
    limit_after = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    day = serializers.DateField()
    period_start = serializers.DateField()
    entry_id = serializers.IntegerField(source="pk")
    reverses = serializers.IntegerField(source="reverses_id", allow_null=True)
