"""Bodies that the REST API answers with: shorts, quotes and receipts."""

from typing import Any

from rest_framework import serializers

from generation import progress
from generation.queries import ShortView
from metering.api_shapes import DollarsField
from metering.receipts import ReceiptLeg


class QuoteLegBody(serializers.Serializer[ReceiptLeg]):
    api_type = serializers.CharField()
    model = serializers.CharField()
    tokens = serializers.IntegerField(source="estimated_tokens")
    usd = DollarsField(source="quoted_usd", allow_null=True)


class ReceiptLegBody(serializers.Serializer[ReceiptLeg]):
    api_type = serializers.CharField()
    state = serializers.CharField()
    estimated_tokens = serializers.IntegerField()
    charged_tokens = serializers.IntegerField()
    basis = serializers.CharField(allow_null=True)
    usd = DollarsField(allow_null=True)
    usage = serializers.DictField(allow_null=True)
    formula = serializers.CharField(allow_null=True)
    entry_id = serializers.IntegerField(allow_null=True)

    def to_representation(self, instance: ReceiptLeg) -> dict[str, Any]:
        """A leg that is charged in raw tokens has no dollars to name."""
        body = super().to_representation(instance)
        if body["usd"] is None:
            del body["usd"]
        return body


class QuoteBody(serializers.Serializer[Any]):
    """What was held. A result that was taken over from another short was not quoted."""

    tokens = serializers.IntegerField(source="held_tokens")
    legs = QuoteLegBody(many=True, source="held_legs")


class ReceiptBody(serializers.Serializer[Any]):
    held_tokens = serializers.IntegerField()
    charged_tokens = serializers.IntegerField()
    returned_tokens = serializers.IntegerField()
    refunded_tokens = serializers.IntegerField()
    legs = ReceiptLegBody(many=True)


class ProgressBody(serializers.Serializer[ShortView]):
    """How far along it is. `percent` moves during a render only while this system's own last
    renders tell how long one takes. `queue_position` is there only while the short is in line: 1 =
    next."""

    stage = serializers.CharField(source="short.state")
    percent = serializers.SerializerMethodField()
    queue_position = serializers.IntegerField(required=False, min_value=1)

    def get_percent(self, view: ShortView) -> int:
        return progress.percent(short=view.short, at=view.at)

    def to_representation(self, instance: ShortView) -> dict[str, Any]:
        """A short that is in no line has no number in one."""
        body = super().to_representation(instance)
        if body["queue_position"] is None:
            del body["queue_position"]
        return body


class ShortBody(serializers.Serializer[ShortView]):
    """A short as the API shows it, without its receipt."""

    id = serializers.UUIDField(source="short.id")
    state = serializers.CharField(source="short.state")
    model = serializers.CharField(source="short.model")
    seconds = serializers.IntegerField(source="short.seconds")
    resolution = serializers.CharField(source="short.resolution")
    aspect_ratio = serializers.CharField(source="short.aspect_ratio")
    progress = ProgressBody(source="*")
    video_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    notice = serializers.SerializerMethodField()
    quote = QuoteBody(source="receipt")

    def get_video_url(self, view: ShortView) -> str | None:
        return f"/api/shorts/{view.short.pk}/video" if view.short.video else None

    def get_error(self, view: ShortView) -> dict[str, str] | None:
        return _said(view.error_code, view.error_message)

    def get_notice(self, view: ShortView) -> dict[str, str] | None:
        return _said(view.waiting_code, view.waiting_message)


def _said(code: str, message: str) -> dict[str, str] | None:
    return {"code": code, "message": message} if code else None
