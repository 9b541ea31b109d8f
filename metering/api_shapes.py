"""Bodies that the REST API answers with: figures of a ledger."""

from typing import Any

from rest_framework import serializers

from metering import rates
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
