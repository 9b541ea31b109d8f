"""REST endpoints that look around: the list of shorts, and prices before anything is spent."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.models import User
from generation import api, catalog, forms, price_list, queries
from generation.api_shapes import ReceiptBody, ShortBody
from generation.models import State
from generation.price_list import Price
from metering import cursors
from metering.api_shapes import BalanceBody, DollarsField, UtcField
from metering.types import QuoteLine

PAGE_SIZE = 20
LARGEST_PAGE = 100
SHORTS = "generation.shorts"


class ShortsApi(APIView):
    """GET /api/shorts: the caller's shorts, the newest first, page by page.

    A page has `limit` shorts, 20 unless given and at most 100. A cursor is the last short shown,
    signed for its user: ids are ordered by time, so that shorts which arrive meanwhile never shift
    a page. `state` may be given more than once. `created_from` and `created_to` are local days of
    the operator's time zone, as in the statement, and both count.
    """

    class InputSerializer(serializers.Serializer[Any]):
        cursor = serializers.CharField(required=False, max_length=200)
        limit = serializers.IntegerField(default=PAGE_SIZE, min_value=1)
        state = serializers.MultipleChoiceField(choices=State.choices, required=False)
        created_from = serializers.DateField(required=False, validators=forms.DAYS)
        created_to = serializers.DateField(required=False, validators=forms.DAYS)

    class OutputSerializer(serializers.Serializer[object]):
        class Listed(ShortBody):
            created_at = UtcField(source="short.created_at")
            receipt = ReceiptBody()

        results = Listed(many=True)
        next = serializers.CharField(allow_null=True)
        next_cursor = serializers.CharField(allow_null=True)

    def get(self, request: Request) -> Response:
        at, user, asked = timezone.now(), caller(request), request.query_params
        data = {**asked.dict(), "state": asked.getlist("state")}
        given = self.InputSerializer(data=data)
        given.is_valid(raise_exception=True)
        most = min(given.validated_data["limit"], LARGEST_PAGE)
        found = queries.listed(
            user=user,
            wanted=_wanted(given.validated_data),
            before=_before(user, given.validated_data.get("cursor")),
            most=most + 1,
        )
        shown = found[:most]
        more = len(found) > most
        cursor = cursors.make(user=user, of=SHORTS, mark=shown[-1].pk) if more else None
        query = urlencode({**data, "cursor": cursor, "limit": most}, doseq=True)
        body = {
            "results": queries.views(shorts=shown, at=at),
            "next": f"{request.path}?{query}" if cursor else None,
            "next_cursor": cursor,
        }
        return Response(self.OutputSerializer(body).data)


class ShortsQuoteApi(api.BoundedBodyApi):
    """POST /api/shorts/quote: the price before anything is spent, every model side by side.

    `models` has every model in the asked length and resolution; `quote` is null for one that does
    not come in them. `fits` and `affordable` say whether, and how often, the tokens left are enough
    (null: without limit). `nearest` is the choice that fits and changes as little as can be of what
    was asked; null if nothing fits.
    """

    parser_classes = [JSONParser, FormParser, MultiPartParser]

    class InputSerializer(serializers.Serializer[Any]):
        model = serializers.CharField(required=False, allow_blank=True, max_length=100)
        seconds = serializers.IntegerField(default=catalog.DEFAULT_SECONDS)
        resolution = serializers.CharField(default=catalog.DEFAULT_RESOLUTION, max_length=16)
        aspect_ratio = serializers.CharField(required=False, allow_blank=True, max_length=8)

    class OutputSerializer(serializers.Serializer[object]):
        class Choice(serializers.Serializer[Price]):
            class Quote(serializers.Serializer[Any]):
                class Leg(serializers.Serializer[QuoteLine]):
                    api_type = serializers.CharField()
                    model = serializers.CharField()
                    tokens = serializers.IntegerField()
                    usd = DollarsField(allow_null=True)

                tokens = serializers.IntegerField()
                legs = Leg(many=True, source="lines")

            model = serializers.CharField()
            label = serializers.CharField()  # type: ignore[assignment]  # DRF has one, too
            seconds = serializers.IntegerField()
            resolution = serializers.CharField()
            quote = Quote(allow_null=True)
            fits = serializers.BooleanField()
            affordable = serializers.IntegerField(allow_null=True)

        asked = Choice()
        models = Choice(many=True)
        nearest = Choice(allow_null=True)
        balance = BalanceBody()

    def post(self, request: Request) -> Response:
        given = self.InputSerializer(data=api.fields(request))
        given.is_valid(raise_exception=True)
        prices = price_list.of(user=caller(request), given=given.validated_data, at=timezone.now())
        return Response(self.OutputSerializer(prices).data)


def _wanted(given: dict[str, Any]) -> queries.Wanted:
    return queries.Wanted(
        states=sorted(given.get("state", ())),
        first_day=given.get("created_from"),
        last_day=given.get("created_to"),
    )


def _before(user: User, cursor: str | None) -> UUID | None:
    """The last short that the page before has shown."""
    return UUID(cursors.read(user=user, of=SHORTS, cursor=cursor)) if cursor else None
