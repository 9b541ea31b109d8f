"""REST endpoints for shorts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from generation import catalog, forms, intake, pictures, queries, short_page, streaming
from generation.api_shapes import ReceiptBody, ShortBody
from generation.models import Short
from generation.pipeline import again, cancel, remove, start
from generation.pipeline.start import Started
from metering import queries as metering_queries
from metering.api_shapes import BalanceBody


def idempotency_key() -> serializers.RegexField:
    """The header of that name, where it is given: visible ASCII."""
    sentence = _("The header Idempotency-Key has 1 to 255 visible ASCII characters, no spaces.")
    return serializers.RegexField(
        r"^[\x21-\x7e]+$",
        required=False,
        allow_null=True,
        max_length=255,
        error_messages=dict.fromkeys(("blank", "invalid", "max_length"), sentence),
    )


def wish() -> serializers.CharField:
    """The user's own words, where there are any."""
    return serializers.CharField(
        required=False, allow_blank=True, max_length=forms.WISH_LENGTH, validators=[_is_readable]
    )


def _is_readable(words: str) -> None:
    """What was not UTF-8 has become question marks; nobody wants to pay for a video of those."""
    if "\ufffd" in words:
        raise serializers.ValidationError(_("This text can't be read. Send it as UTF-8."))


class BodyTooLarge(APIException):
    """The whole request is larger than any picture may be."""

    status_code = 413
    default_code = "body_too_large"
    default_detail = _(
        "The request body is larger than this server takes, so nothing was started and no tokens"
        " were taken. Send less, or a smaller picture."
    )


class BoundedBodyApi(APIView):
    """An endpoint that refuses an oversized body before any of it is read."""

    def most_bytes(self) -> int:
        """How long a body may be that brings no picture."""
        return forms.FORM_BYTES

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises BodyTooLarge, before a log-in is looked for: a session's token may stand in the
        body."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > self.most_bytes():
            raise BodyTooLarge
        super().initial(request, *args, **kwargs)


class ShortsGenerateApi(BoundedBodyApi):
    """POST /api/shorts/generate: a picture in, a short on its way out."""

    parser_classes = [MultiPartParser, FormParser]

    class InputSerializer(serializers.Serializer[Any]):
        prompt = wish()
        model = serializers.CharField(required=False, allow_blank=True, max_length=100)
        seconds = serializers.IntegerField(default=catalog.DEFAULT_SECONDS)
        resolution = serializers.CharField(default=catalog.DEFAULT_RESOLUTION, max_length=16)
        aspect_ratio = serializers.CharField(required=False, allow_blank=True, max_length=8)
        idempotency_key = idempotency_key()

    class OutputSerializer(ShortBody):
        balance = BalanceBody()

    def most_bytes(self) -> int:
        """The largest picture, and a form around it."""
        return settings.MAX_UPLOAD_BYTES + forms.FORM_BYTES

    def post(self, request: Request) -> Response:
        at, user = timezone.now(), caller(request)
        given = self.InputSerializer(
            data={**request.POST.dict(), "idempotency_key": request.headers.get("Idempotency-Key")}
        )
        given.is_valid(raise_exception=True)
        upload = _one_picture(request)
        order = intake.order(picture=upload, given=given.validated_data)
        started = start.repeated(user=user, order=order) or start.run(
            user=user, picture=pictures.prepare(upload=upload), order=order, at=at
        )
        return _accepted(started=started, at=at, body=self.OutputSerializer)


class ShortApi(APIView):
    """/api/shorts/{id}: where a short stands, and its receipt; and the end of it."""

    class OutputSerializer(ShortBody):
        receipt = ReceiptBody()

    def get(self, request: Request, short_id: UUID) -> Response:
        short = _owned(request, short_id)
        return Response(self.OutputSerializer(queries.view(short=short, at=timezone.now())).data)

    def delete(self, request: Request, short_id: UUID) -> Response:
        """Also where it was deleted before: the answer to the first request may be lost."""
        try:
            queries.owned(user=caller(request), short_id=short_id, deleted_too=True)
        except Short.DoesNotExist as error:
            raise Http404 from error
        remove.run(short_id=short_id, at=timezone.now())
        return Response(status=204)


class ShortCancelApi(APIView):
    """POST /api/shorts/{id}/cancel: as long as nothing was handed to the video model."""

    OutputSerializer = ShortApi.OutputSerializer

    def post(self, request: Request, short_id: UUID) -> Response:
        at, short = timezone.now(), _owned(request, short_id)
        cancel.run(short_id=short.pk, at=at)
        short.refresh_from_db()
        return Response(self.OutputSerializer(queries.view(short=short, at=at)).data)


class ShortAgainApi(BoundedBodyApi):
    """POST /api/shorts/{id}/again: a new short from the same picture. What is not given stays as
    it was."""

    parser_classes = [JSONParser, FormParser, MultiPartParser]

    class InputSerializer(serializers.Serializer[Any]):
        prompt = wish()
        model = serializers.CharField(required=False, max_length=100)
        seconds = serializers.IntegerField(required=False)
        resolution = serializers.CharField(required=False, max_length=16)
        aspect_ratio = serializers.CharField(required=False, allow_blank=True, max_length=8)
        idempotency_key = idempotency_key()

    OutputSerializer = ShortsGenerateApi.OutputSerializer

    def post(self, request: Request, short_id: UUID) -> Response:
        at, user, source = timezone.now(), caller(request), _owned(request, short_id)
        given = self.InputSerializer(
            data={**fields(request), "idempotency_key": request.headers.get("Idempotency-Key")}
        )
        given.is_valid(raise_exception=True)
        order = intake.order_again(source=source, given=given.validated_data)
        try:
            started = again.run(user=user, source=source, order=order, at=at)
        except Short.DoesNotExist as error:
            raise Http404 from error
        return _accepted(started=started, at=at, body=self.OutputSerializer)


class ShortVideoApi(APIView):
    """GET /api/shorts/{id}/video: the file, for its owner only, with ranges."""

    def get(self, request: Request, short_id: UUID) -> HttpResponseBase:
        short = _owned(request, short_id)
        return _file(request, short.video, "video/mp4", short_page.file_name(short))


class ShortImageApi(APIView):
    """GET /api/shorts/{id}/image: the prepared picture, for its owner only."""

    def get(self, request: Request, short_id: UUID) -> HttpResponseBase:
        short = _owned(request, short_id)
        return _file(request, short.picture, "image/jpeg", f"short-{short.pk}.jpg")


def _accepted(
    *, started: Started, at: datetime, body: type[ShortsGenerateApi.OutputSerializer]
) -> Response:
    """202 for a short that is on its way, with its quote and its owner's balance."""
    short = started.short
    balance = metering_queries.balance(user=short.user, at=at)
    shown = queries.view(short=short, at=at, balance=balance)
    where = {"Location": f"/api/shorts/{short.pk}"}
    return Response(body(shown).data, status=202, headers=where)


def fields(request: Request) -> dict[str, Any]:
    """The body's fields by name, of a form or of a JSON object. Raises ParseError."""
    if not isinstance(request.data, Mapping):
        raise ParseError(_("Send one JSON object, or a form."))
    return dict(request.data.items())


def _one_picture(request: Request) -> Any:
    """The one uploaded file of the field `image`; an address or text in its place is refused."""
    files = request.FILES.getlist("image")
    if len(files) != 1:
        raise pictures.InvalidImage("several" if files else "missing")
    return files[0]


def _owned(request: Request, short_id: UUID) -> Short:
    try:
        return queries.owned(user=caller(request), short_id=short_id)
    except Short.DoesNotExist as error:
        raise Http404 from error


def _file(request: HttpRequest | Request, name: str, kind: str, file_name: str) -> HttpResponseBase:
    if not name:
        raise Http404
    plain = request._request if isinstance(request, Request) else request
    try:
        return streaming.respond(request=plain, name=name, content_type=kind, file_name=file_name)
    except FileNotFoundError as error:
        raise Http404 from error
