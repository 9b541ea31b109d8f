"""From a request that carries a picture to an order: what the form and the API share."""

import hashlib
from collections.abc import Mapping
from typing import IO, Any

from generation import catalog
from generation.models import Short
from generation.pipeline import served
from generation.pipeline.start import Order

CHUNK_BYTES = 1024 * 1024


def order(*, picture: IO[bytes], given: Mapping[str, Any]) -> Order:
    """The order for checked input: `prompt`, `model`, `seconds`, `resolution`, `aspect_ratio` and
    `idempotency_key`. The hash covers the picture's bytes and every choice."""
    choices: dict[str, Any] = {
        "wish": given.get("prompt") or "",
        "model": given.get("model") or served.default_model(),
        "seconds": _seconds(given, catalog.DEFAULT_SECONDS),
        "resolution": given.get("resolution") or catalog.DEFAULT_RESOLUTION,
        "aspect_ratio": given.get("aspect_ratio") or "",
    }
    return Order(
        **choices,
        idempotency_key=given.get("idempotency_key") or None,
        request_hash=_digest(picture=picture, choices=repr(sorted(choices.items()))),
    )


def order_again(*, source: Short, given: Mapping[str, Any]) -> Order:
    """The order for a new short from the picture of another: what is not given stays as it was.

    An empty `aspect_ratio` means the frame that suits the picture. The hash covers the short and
    every choice.
    """
    choices: dict[str, Any] = {
        "wish": given.get("prompt", source.wish),
        "model": given.get("model") or source.model,
        "seconds": _seconds(given, source.seconds),
        "resolution": given.get("resolution") or source.resolution,
        "aspect_ratio": given.get("aspect_ratio", source.aspect_ratio),
    }
    of = f"again {source.pk} {sorted(choices.items())!r}"
    return Order(
        **choices,
        idempotency_key=given.get("idempotency_key") or None,
        request_hash=hashlib.sha256(of.encode()).hexdigest(),
    )


def _seconds(given: Mapping[str, Any], usual: int) -> int:
    """0 is no length, rather than none given."""
    asked: int | None = given.get("seconds")
    return usual if asked is None else asked


def _digest(*, picture: IO[bytes], choices: str) -> str:
    digest = hashlib.sha256(choices.encode())
    picture.seek(0)
    while chunk := picture.read(CHUNK_BYTES):
        digest.update(chunk)
    picture.seek(0)
    return digest.hexdigest()
