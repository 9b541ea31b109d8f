"""Order a video through the web form, as a browser would."""

import re
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from generation import catalog
from metering import staff
from tests.pictures import jpeg

PICTURE = jpeg(width=160, height=90)
FAST, STANDARD = catalog.MODELS[0].name, catalog.MODELS[1].name


def order(
    client: Client, *, picture: bytes | None = PICTURE, htmx: bool = False, **fields: str
) -> HttpResponse:
    """Send the form as a browser would, with JavaScript or without."""
    body: dict[str, object] = {
        "prompt": "a <slow> pan",
        "model": FAST,
        "seconds": "8",
        "resolution": "720p",
        "aspect_ratio": "",
        "idempotency_key": str(uuid4()),
        **fields,
    }
    if picture is not None:
        body["image"] = SimpleUploadedFile("photo.jpg", picture, content_type="image/jpeg")
    return client.post("/", body, headers={"HX-Request": "true"} if htmx else {})


def text(response: HttpResponse) -> str:
    """The page without its tags and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def limit(user: User, tokens: int | None) -> None:
    staff.set_limit(user=user, tokens=tokens, actor=None, reason="test", at=timezone.now())
