"""REST endpoints of metering."""

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from metering import queries
from metering.api_shapes import BalanceBody, DollarsField, UtcField


class UsageApi(APIView):
    """GET /api/usage: the caller's balance, period and usage by day."""

    class OutputSerializer(serializers.Serializer[object]):
        class Period(serializers.Serializer[object]):
            kind = serializers.CharField()
            start = UtcField()
            end = UtcField(allow_null=True)

        class Day(serializers.Serializer[object]):
            date = serializers.DateField(source="day")
            api_type = serializers.CharField()
            model = serializers.CharField()
            tokens = serializers.IntegerField()
            usd = DollarsField(allow_null=True)

        balance = BalanceBody()
        period = Period()
        in_flight = serializers.IntegerField()
        max_in_flight = serializers.IntegerField()
        by_day = Day(many=True)

    def get(self, request: Request) -> Response:
        user = caller(request)
        balance = queries.balance(user=user, at=timezone.now())
        body = {
            "balance": balance,
            "period": {
                "kind": balance.period_kind,
                "start": balance.period_starts_at,
                "end": balance.resets_at,
            },
            "in_flight": balance.in_flight,
            "max_in_flight": balance.max_in_flight,
            "by_day": queries.usage_by_day(user=user, since=balance.period_start),
        }
        return Response(self.OutputSerializer(body).data)
