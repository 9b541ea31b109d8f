"""How a picture may arrive, by form and by API: odd names, odd parts, and what is no upload."""

import base64
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import ApiKey, User
from generation import pictures
from generation.models import Short
from metering import queries
from metering.models import Hold
from tests.generation.picture_files import banded, heic, png_header, png_with_text_bomb, saved
from tests.pictures import jpeg

PICTURE = jpeg(width=160, height=90)
BOUNDARY = "shorts-test"
Door = Callable[[bytes], HttpResponse]


def part(disposition: bytes, data: bytes, *headers: bytes) -> bytes:
    """One part of a form, as it travels."""
    lines = [b"Content-Disposition: form-data; " + disposition, *headers]
    return f"--{BOUNDARY}\r\n".encode() + b"\r\n".join([*lines, b"", data]) + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def image(data: bytes = PICTURE, name: bytes = b'filename="a.jpg"', *headers: bytes) -> bytes:
    return part(b'name="image"; ' + name, data, *(headers or (b"Content-Type: image/jpeg",)))


def field(name: bytes, value: bytes) -> bytes:
    return part(b'name="%s"' % name, value)


def kept(user: User) -> tuple[int, int, int]:
    """How many shorts and holds there are, and how many tokens are held."""
    held = queries.balance(user=user, at=timezone.now()).held_tokens
    return Short.objects.count(), Hold.objects.count(), held


@pytest.fixture(params=["api", "form"])
def door(request: pytest.FixtureRequest, alice: User) -> Door:
    """Sends a body to the API, or to the studio's form, as Alice."""
    client, path, more = Client(raise_request_exception=False), "/", {}
    if request.param == "api":
        _, key = ApiKey.objects.create(user=alice, name="test")
        path, more = "/api/shorts/generate", {"Authorization": f"Bearer {key}"}
    else:
        client.force_login(alice)
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return lambda sent: client.generic("POST", path, sent, kind, headers=more)


@pytest.mark.parametrize(
    "name",
    [
        b'filename="../../../../etc/cron.d/x.jpg"',
        b'filename="C:\\Windows\\System32\\x.jpg"',
        b'filename="/etc/passwd"',
        b'filename="a\0b.jpg"',
        b'filename="%s.jpg"' % (b"a" * 900),
        b"filename*=UTF-8''%00%2e%2e%2fx.jpg",
        'filename="사진 📷 \u202egpj.exe"'.encode(),
        b'filename="photo.heic"',
        b'filename=".htaccess"',
    ],
)
def test_no_name_of_an_upload_gets_anywhere(door: Door, alice: User, name: bytes) -> None:
    response = door(body(image(name=name)))

    short = Short.objects.get()
    assert response.status_code in {202, 303}
    assert short.picture == f"pictures/{short.pk}.jpg"


@pytest.mark.parametrize(
    "sent",
    [
        image(saved(banded(), "WEBP"), b'filename="x.png"'),
        image(heic(banded()), b'filename="photo.jpg"'),
        image(PICTURE, b'filename="a.jpg"', b"Content-Type: image/jpg"),
        image(PICTURE, b'filename="a.txt"', b"Content-Type: text/html; charset=\xff"),
        image(PICTURE, b'filename="a"', b"X-Nothing: no type at all"),
        image(base64.b64encode(PICTURE), b'filename="a"', b"Content-Transfer-Encoding: base64"),
        image() + field(b"image", b"http://127.0.0.1:9/x.png"),
        image() + field(b"image_url", b"http://127.0.0.1:9/x.png"),
        part(b'name="prompt"; filename="wish.txt"', b"hi") + image(),
    ],
    ids=[
        "WebP called PNG", "HEIC called JPEG", "image/jpg", "text", "no type", "base64",
        "address beside it", "another field", "the wish as a file",
    ],
)  # fmt: skip
def test_what_an_upload_says_about_itself_does_not_matter(
    door: Door, alice: User, sent: bytes
) -> None:
    response = door(body(sent))

    assert response.status_code in {202, 303}
    assert kept(alice) == (1, 2, 1500)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\1\2" * 50,
        body(),
        body(image(name=b'filename=""')),
        body(image(name=b'filename=".."')),
        body(image(name=b'filename="/"')),
        body(image(name=b'filename="%s"' % (b"a" * 5000))),
        body(field(b"image", PICTURE)),
        body(field(b"image", b"http://127.0.0.1:9/x.png")),
        body(field(b"image", b"data:image/jpeg;base64," + base64.b64encode(PICTURE))),
        body(field(b"image", b"file:///etc/passwd")),
        body(part(b'name="picture"; filename="a.jpg"', PICTURE)),
        body(image(), image()),
        body(image(), image(), image(), image(), image()),
        body(*[field(b"f%d" % n, b"x") for n in range(1200)], image()),
        body(image(b"!!! not base64", b'filename="a"', b"Content-Transfer-Encoding: base64")),
        body(image())[:-2000],
        body(image())[:40],
        body(image(b"")),
        body(image(PICTURE[: len(PICTURE) // 2])),
        body(image(saved(banded((1, 1)), "PNG"))),
        body(image(saved(banded((3, 3)), "PNG"))),
        body(image(png_header(20000, 3))),
        body(image(png_header(20000, 20000))),
        body(image(png_with_text_bomb())),
        body(image(PICTURE.ljust(pictures.MAX_BYTES + 1, b"\0"))),
    ],
)
def test_what_cannot_be_used_is_400_and_leaves_nothing(
    door: Door, alice: User, sent: bytes
) -> None:
    response = door(sent)

    assert response.status_code == 400
    assert kept(alice) == (0, 0, 0)


@pytest.mark.parametrize("name", [b"prompt", b"anything"])
def test_words_of_megabytes_are_refused(door: Door, alice: User, name: bytes) -> None:
    response = door(body(field(name, b"x" * 2_000_000), image()))

    assert response.status_code in {400, 413}
    assert kept(alice) == (0, 0, 0)


def test_a_picture_of_exactly_the_limit_is_taken(door: Door, alice: User) -> None:
    response = door(body(image(PICTURE.ljust(pictures.MAX_BYTES, b"\0"))))

    assert response.status_code in {202, 303}
    assert kept(alice) == (1, 2, 1500)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (body(image(), image(), image(), image(), image()), 400, "invalid_parameter"),
        (body(field(b"prompt", b"x" * 2_000_000), image()), 413, "body_too_large"),
        (body(image(name=b'filename="%s"' % (b"a" * 5000))), 400, "invalid_parameter"),
        (body(image(png_header(20000, 20000))), 400, "image_too_large"),
        (body(image(saved(banded((3, 3)), "PNG"))), 400, "invalid_image"),
    ],
)
def test_the_api_answers_in_its_own_form(alice: User, sent: bytes, status: int, code: str) -> None:
    _, key = ApiKey.objects.create(user=alice, name="test")
    response = Client().generic(
        "POST", "/api/shorts/generate", sent, f"multipart/form-data; boundary={BOUNDARY}",
        headers={"Authorization": f"Bearer {key}"},
    )  # fmt: skip

    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_too_small_names_the_least_size(door: Door, alice: User) -> None:
    response = door(body(image(saved(banded((3, 3)), "PNG"))))

    assert f"at least {pictures.MIN_SIDE} pixels on each side" in response.content.decode()


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(0, len(PICTURE) - 1), garbage=st.binary(min_size=1, max_size=40))
def test_no_file_whatever_is_a_fault_of_ours(
    door: Door, alice: User, start: int, garbage: bytes
) -> None:
    file = bytearray(PICTURE)
    file[start : start + len(garbage)] = garbage

    response = door(body(image(bytes(file))))

    # 429 once three of them were pictures all the same.
    assert response.status_code in {202, 303, 400, 429}


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(0, 300), garbage=st.binary(max_size=60))
def test_no_form_whatever_is_a_fault_of_ours(
    door: Door, alice: User, start: int, garbage: bytes
) -> None:
    sent = bytearray(body(field(b"prompt", b"a wish"), image(saved(banded((8, 8)), "PNG"))))
    sent[start : start + len(garbage)] = garbage

    response = door(bytes(sent))

    assert response.status_code in {202, 303, 400, 429}
