"""What each address of the API answers, beyond what its view says itself: codes, files, headers.

One row an operation, by method and address. The schema is made from the views and this table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rest_framework import serializers

from generation.api import ShortAgainApi, ShortsGenerateApi
from shortsproject import api_examples

STATUSES = {
    "invalid_image": 400,
    "image_too_large": 400,
    "invalid_parameter": 400,
    "unpriced_model": 400,
    "not_authenticated": 401,
    "token_limit_exceeded": 403,
    "account_suspended": 403,
    "email_unconfirmed": 403,
    "csrf_failed": 403,
    "not_found": 404,
    "idempotency_conflict": 409,
    "model_closed": 409,
    "not_cancelable": 409,
    "not_finished": 409,
    "body_too_large": 413,
    "too_many_in_flight": 429,
    "metering_unavailable": 503,
    "storage_unavailable": 503,
    "spending_paused": 503,
}
ALWAYS = ("not_authenticated", "metering_unavailable")
UNSAFE = ("csrf_failed",)
CHOICE = ("invalid_parameter", "unpriced_model", "model_closed", "body_too_large")
GATE = (
    "token_limit_exceeded", "too_many_in_flight", "account_suspended", "email_unconfirmed",
    "spending_paused", "storage_unavailable", "idempotency_conflict",
)  # fmt: skip
READING = ("not_found", "storage_unavailable")


@dataclass(frozen=True)
class File:
    """An answer that is a file. `ranges`: parts of it can be asked for."""

    media_type: str
    ranges: bool = False


@dataclass(frozen=True)
class Operation:
    """One method at one address. `codes` are those of its own; those of all come on top."""

    id: str = ""
    status: int = 200
    summary: str = ""
    codes: Sequence[str] = ()
    form: type[serializers.Serializer[Any]] | None = None
    file: File | None = None
    asked_headers: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    example_request: Mapping[str, Any] | None = None
    example: Mapping[str, Any] | None = None


class GenerateForm(ShortsGenerateApi.InputSerializer):
    """A picture and the choices for its video."""

    image = serializers.FileField(
        help_text="One picture: JPEG, PNG, WebP, HEIC, GIF or AVIF, up to 20 MB."
    )
    idempotency_key = None  # type: ignore[assignment]  # so DRF leaves a field out: it is a header


class AgainForm(ShortAgainApi.InputSerializer):
    """What is to be different this time."""

    idempotency_key = None  # type: ignore[assignment]  # as above


KEY = {
    "Idempotency-Key": "Sent again, it answers with the short that it began the first time. 1 to"
    " 255 visible ASCII characters, no spaces."
}
LOCATION = {"Location": "The address of the new short."}


OPERATIONS = {
    "GET /api/shorts": Operation(
        id="listShorts", codes=("invalid_parameter",), example=api_examples.SHORTS
    ),
    "POST /api/shorts/generate": Operation(
        id="generateShort",
        status=202,
        codes=("invalid_image", "image_too_large", *CHOICE, *GATE),
        form=GenerateForm,
        asked_headers=KEY,
        answer_headers=LOCATION,
        example=api_examples.GENERATED,
    ),
    "POST /api/shorts/quote": Operation(
        id="quoteShort",
        codes=CHOICE,
        example_request=api_examples.CHOICE,
        example=api_examples.QUOTED,
    ),
    "GET /api/shorts/{short_id}": Operation(
        id="getShort",
        summary="Where a short stands, and its receipt.",
        codes=("not_found",),
        example=api_examples.SHORT,
    ),
    "DELETE /api/shorts/{short_id}": Operation(
        id="deleteShort",
        status=204,
        summary="End it before the submit, hide it later. What was used by then is charged.",
        codes=("not_found",),
    ),
    "POST /api/shorts/{short_id}/cancel": Operation(
        id="cancelShort",
        summary="Cancel a short, as long as nothing was handed to the video model.",
        codes=("not_found", "not_cancelable"),
    ),
    "POST /api/shorts/{short_id}/again": Operation(
        id="repeatShort",
        status=202,
        codes=("not_found", "not_finished", *CHOICE, *GATE),
        form=AgainForm,
        asked_headers=KEY,
        answer_headers=LOCATION,
        example=api_examples.GENERATED,
    ),
    "GET /api/shorts/{short_id}/video": Operation(
        id="getVideo", codes=READING, file=File("video/mp4", ranges=True)
    ),
    "GET /api/shorts/{short_id}/image": Operation(
        id="getImage", codes=READING, file=File("image/jpeg", ranges=True)
    ),
    "GET /api/usage": Operation(id="getUsage", example=api_examples.USAGE),
    "GET /api/usage/entries": Operation(
        id="listEntries", codes=("invalid_parameter",), example=api_examples.ENTRIES
    ),
    "GET /api/usage/entries.csv": Operation(
        id="downloadEntriesCsv", codes=("invalid_parameter",), file=File("text/csv")
    ),
    "GET /api/usage/entries.jsonl": Operation(
        id="downloadEntriesJsonLines",
        summary="The caller's entries of one period, a JSON object for each line.",
        codes=("invalid_parameter",),
        file=File("application/jsonl"),
    ),
}


def of(*, method: str, path: str) -> Operation:
    """The row of an operation; one without anything special, if there is none."""
    return OPERATIONS.get(f"{method} {path}", Operation())


def codes(*, method: str, operation: Operation) -> dict[int, list[str]]:
    """All codes that an operation may refuse with, by HTTP status."""
    every = [*operation.codes, *ALWAYS, *(() if method == "GET" else UNSAFE)]
    found: dict[int, list[str]] = {}
    for code in sorted(every, key=lambda code: (STATUSES[code], code)):
        found.setdefault(STATUSES[code], []).append(code)
    return found
