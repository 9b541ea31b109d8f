"""REST endpoints of metering."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.models import User
from metering import cursors, exports, queries
from metering.api_shapes import BalanceBody, DollarsField, EntryBody, UtcField

PAGE_SIZE = 25
LARGEST_PAGE = 200
ENTRIES = "metering.entries"


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


class EntriesApi(APIView):
    """GET /api/usage/entries: the caller's statement, the newest first, page by page.

    A cursor is the number of the last entry shown, signed for its user: entries have numbers
    without a gap, so new ones never shift a page.
    """

    class InputSerializer(serializers.Serializer[Any]):
        cursor = serializers.CharField(required=False, max_length=200)
        page_size = serializers.IntegerField(default=PAGE_SIZE, min_value=1)

    class OutputSerializer(serializers.Serializer[object]):
        results = EntryBody(many=True)
        next = serializers.CharField(allow_null=True)
        next_cursor = serializers.CharField(allow_null=True)

    def get(self, request: Request) -> Response:
        user = caller(request)
        given = self.InputSerializer(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        size = min(given.validated_data["page_size"], LARGEST_PAGE)
        found = queries.entries(
            user=user, before_seq=_before(user, given.validated_data.get("cursor")), most=size + 1
        )
        last = found[size - 1].seq if len(found) > size else None
        cursor = cursors.make(user=user, of=ENTRIES, mark=last) if last else None
        query = urlencode({"cursor": cursor, "page_size": size})
        body = {
            "results": found[:size],
            "next": f"{request.path}?{query}" if cursor else None,
            "next_cursor": cursor,
        }
        return Response(self.OutputSerializer(body).data)


class Download(BaseContentNegotiation):
    """A file has the format that its address says, whatever `Accept` asks for."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first: a download is not rendered by any."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class EntriesCsvApi(APIView):
    """GET /api/usage/entries.csv: the caller's entries of one period, for a spreadsheet."""

    content_negotiation_class = Download
    kind = "csv"

    class InputSerializer(serializers.Serializer[Any]):
        period = serializers.DateField(required=False)

    def get(self, request: Request) -> StreamingHttpResponse:
        user = caller(request)
        given = self.InputSerializer(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        period_start = given.validated_data.get("period")
        if period_start is None:
            period_start = queries.balance(user=user, at=timezone.now()).period_start
        return exports.response(user=user, period_start=period_start, kind=self.kind)


class EntriesJsonLinesApi(EntriesCsvApi):
    """GET /api/usage/entries.jsonl: the same, a JSON object for each line."""

    kind = "jsonl"


def _before(user: User, cursor: str | None) -> int | None:
    """The number of the last entry that the page before has shown."""
    return int(cursors.read(user=user, of=ENTRIES, cursor=cursor)) if cursor else None
