"""The API's description in OpenAPI 3.1, made from the views and the table of operations.

A view says what it reads (`InputSerializer`), what it answers (`OutputSerializer`) and, in the
first line of its docstring, what it is for. All text is English, like the names in the API.
"""

import functools
import inspect
import json
from typing import Any

from django.conf import settings
from django.utils import translation
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication

from accounts.authentication import ApiKeyAuthentication
from generation.api_shapes import ReceiptLegBody, ShortBody
from generation.models import State
from metering.api_shapes import DollarsField, UtcField
from shortsproject import api_errors, api_examples, api_operations
from shortsproject.api_operations import Operation

JSON, MULTIPART, PROBLEM = "application/json", "multipart/form-data", "application/problem+json"
ENDINGS = ("InputSerializer", "Serializer", "Body", "Api")
DONE = {200: "Done.", 202: "Begun.", 204: "Done; there is no body."}


class ProblemBody(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable; the further members come with the codes that they explain."""

    class Fit(serializers.Serializer[Any]):
        """A video that the tokens left are enough for."""

        model = serializers.CharField()
        seconds = serializers.IntegerField()
        resolution = serializers.CharField()
        tokens = serializers.IntegerField()

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    parameter = serializers.CharField(required=False)
    errors = serializers.DictField(required=False)  # type: ignore[assignment]  # DRF has one, too
    reason = serializers.CharField(required=False)
    estimated_tokens = serializers.IntegerField(required=False)
    remaining_tokens = serializers.IntegerField(required=False)
    held_tokens = serializers.IntegerField(required=False)
    limit_tokens = serializers.IntegerField(required=False)
    resets_at = UtcField(required=False, allow_null=True)
    fits = Fit(many=True, required=False)
    state = serializers.CharField(required=False)
    in_flight = serializers.IntegerField(required=False)
    max_in_flight = serializers.IntegerField(required=False)
    confirm_url = serializers.CharField(required=False)
    retry_at = UtcField(required=False)


class OperationSchema(AutoSchema):
    """One operation, from its view and its row."""

    @property
    def row(self) -> Operation:
        """What the table says of this operation."""
        return api_operations.of(method=self.method, path=self.path)

    def get_operation_id(self) -> str:
        """A name for generated clients."""
        return self.row.id or super().get_operation_id()

    def get_tags(self) -> list[str]:
        """The first word after /api/."""
        return [self.path.split("/")[2]]

    def get_summary(self) -> str | None:
        """The first line of the docstring, without the address that it names."""
        if self.row.summary:
            return self.row.summary
        first = self._docstring().partition("\n\n")[0].replace("\n", " ")
        said = first.partition(": ")[2] or first
        return said[:1].upper() + said[1:]

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """What the docstring says below its first line."""
        return self._docstring().partition("\n\n")[2].replace("\n", " ")

    def get_override_parameters(self) -> list[Any]:
        """The query of a GET, and headers."""
        asked = self.row.asked_headers
        if self.row.file and self.row.file.ranges:
            asked = {**asked, "Range": "One part of the file: `bytes=0-1023`."}
        query = getattr(self.view, "InputSerializer", None) if self.method == "GET" else None
        return [
            *([query] if query else []),
            *(_header(name, text) for name, text in asked.items()),
            *(
                _header(name, text, response=[self.row.status])
                for name, text in self.row.answer_headers.items()
            ),
            _header(
                "Retry-After",
                "Seconds to wait before it is worth asking again.",
                response=[429, 503],
            ),
        ]

    def get_request_serializer(self) -> Any:
        """What the view reads, or the form that the table names for it."""
        form = self.row.form or getattr(self.view, "InputSerializer", None)
        if form is None:
            return None
        given = self.row.example_request
        examples = [OpenApiExample("Example", value=given)] if given else []
        kinds = self.map_parsers()
        if any(isinstance(field, serializers.FileField) for field in form().fields.values()):
            kinds = [kind for kind in kinds if kind == MULTIPART]
        return {
            kind: OpenApiRequest(form, examples=examples if kind == JSON else []) for kind in kinds
        }

    def get_response_serializers(self) -> Any:
        """The answer, every refusal by status, and the shape of all other errors."""
        refused = api_operations.codes(method=self.method, operation=self.row)
        return {
            **(_file(self.row) if self.row.file else self._answer()),
            **{(status, PROBLEM): _problem(status, codes) for status, codes in refused.items()},
            ("4XX", PROBLEM): OpenApiResponse(ProblemBody, description="Any other refusal."),
            ("5XX", PROBLEM): OpenApiResponse(ProblemBody, description="Any other fault of ours."),
        }

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """Nested classes carry the name of what they are nested in."""
        parts = type(serializer).__qualname__.split(".")
        return "".join(_plain(part) for part in parts)

    def _answer(self) -> dict[Any, Any]:
        status, example = self.row.status, self.row.example
        body = None if status == 204 else getattr(self.view, "OutputSerializer", None)
        examples = [OpenApiExample("Example", value=example)] if example else []
        answer = OpenApiResponse(body, description=DONE[status], examples=examples)
        return {(status, JSON) if body else status: answer}

    def _docstring(self) -> str:
        method = getattr(self.view, self.method.lower())
        return inspect.getdoc(method) or inspect.getdoc(type(self.view)) or ""


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """A key in the Authorization header."""
        return {"type": "http", "scheme": "bearer", "description": "An API key: `Bearer shorts_…`."}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """The session of a logged-in browser."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A logged-in browser. Whatever changes something needs `X-CSRFToken`.",
        }


class Dollars(OpenApiSerializerFieldExtension):
    target_class = DollarsField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Text, so that no digit is lost."""
        return {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["1.20"]}


class ShortWords(OpenApiSerializerExtension):
    target_class = ShortBody
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The states by name, and what an end or a wait is told with."""
        schema: dict[str, Any] = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        said = {
            "type": ["object", "null"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
        schema["description"] = "A short: one picture on its way to becoming one video."
        schema["properties"]["state"] = {"type": "string", "enum": list(State.values)}
        schema["properties"]["error"] = {**said, "description": "Why it ended unhappily."}
        schema["properties"]["notice"] = {**said, "description": "What it waits for."}
        return schema


class ReceiptLegWords(OpenApiSerializerExtension):
    target_class = ReceiptLegBody

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """A leg that is charged in raw tokens has no dollars to name."""
        schema: dict[str, Any] = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        schema["required"].remove("usd")
        return schema


@functools.cache
def document() -> bytes:
    """The whole description as JSON. It is the same for everybody, and made once a process."""
    with translation.override("en"):
        schema = SchemaGenerator().get_schema(request=None, public=True)
        return OpenApiJsonRenderer().render(schema)


def _header(name: str, text: str, response: Any = False) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=text, response=response
    )


def _file(row: Operation) -> dict[Any, Any]:
    """The file as a whole, and its parts."""
    if row.file is None:
        return {}
    kind = OpenApiTypes.BINARY if row.file.ranges else OpenApiTypes.STR
    whole = {(200, row.file.media_type): OpenApiResponse(kind, description="The file.")}
    if not row.file.ranges:
        return whole
    return {
        **whole,
        (206, row.file.media_type): OpenApiResponse(kind, description="The part asked for."),
        304: OpenApiResponse(None, description="Not changed since the `ETag` that was sent."),
        416: OpenApiResponse(None, description="The part begins beyond the end."),
    }


def _problem(status: int, codes: list[str]) -> OpenApiResponse:
    examples = [
        OpenApiExample(
            code,
            value={
                **json.loads(api_errors.body(code=code, status=status).content),
                **api_examples.FIGURES.get(code, {}),
            },
        )
        for code in codes
    ]
    names = ", ".join(f"`{code}`" for code in codes)
    return OpenApiResponse(ProblemBody, description=names, examples=examples)


def _plain(name: str) -> str:
    """The name of a class without the word for its kind."""
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name
