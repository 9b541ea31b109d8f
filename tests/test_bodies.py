"""Bodies that are sent in pieces, as the web server hands them on."""

import io
from typing import Any

import pytest
from django.test import RequestFactory
from django.test.client import ClientHandler

from accounts.models import ApiKey, User
from generation.models import Short
from shortsproject.bodies import Measured
from tests.pictures import jpeg

URL = "/api/shorts/generate"
Environ = dict[str, Any]


@pytest.fixture
def sent(alice: User) -> Environ:
    """An order of Alice's, in pieces: nothing says how long it is."""
    _, key = ApiKey.objects.create(user=alice, name="test")
    picture = io.BytesIO(jpeg(width=160, height=90))
    picture.name = "photo.jpg"
    given = {"image": picture, "prompt": "slow pan"}
    request = RequestFactory().post(URL, given, headers={"Authorization": f"Bearer {key}"})
    pieces = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    body = {"wsgi.input": io.BytesIO(request.body), "CONTENT_LENGTH": ""}
    return {**request.environ, **pieces, **body}


def status(environ: Environ, *, most_bytes: int) -> int:
    """What the whole application answers."""
    handler = ClientHandler(enforce_csrf_checks=False)
    application: Any = Measured(lambda asked, _: handler(asked), most_bytes=most_bytes)
    answered: int = application(environ, None).status_code
    return answered


def test_a_picture_in_pieces_is_taken(sent: Environ) -> None:
    assert status(sent, most_bytes=1_000_000) == 202

    assert Short.objects.get().wish == "slow pan"


def test_more_pieces_than_any_request_may_have_are_413(sent: Environ, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 0
    sent["wsgi.input"] = io.BytesIO(bytes(500_000))

    assert status(sent, most_bytes=100_000) == 413

    assert sent["CONTENT_LENGTH"] == "100001"
    assert not Short.objects.exists()


def test_a_body_with_a_length_is_handed_on_as_it_is(sent: Environ) -> None:
    body, environ = sent["wsgi.input"], {**sent, "CONTENT_LENGTH": "5"}

    Measured(lambda environ, start: [], most_bytes=1)(environ, lambda *_: None)

    assert environ["wsgi.input"] is body
