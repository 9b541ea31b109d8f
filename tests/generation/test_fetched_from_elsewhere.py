"""Field cases FC-19 and FC-20: no address is ever fetched, and no file is for everyone."""

import io
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from generation.models import Short, State
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests.generation import driving
from tests.generation.picture_files import banded, heic, saved
from tests.pictures import jpeg

Api = Callable[[User], APIClient]
GENERATE = "/api/shorts/generate"
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"


class Listener:
    """Listens on loopback and never answers; `was_called` says whether anybody connected."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"

    def was_called(self) -> bool:
        self._server.settimeout(0.2)
        try:
            self._server.accept()[0].close()
        except TimeoutError:
            return False
        return True


@pytest.fixture
def listener() -> Iterator[Listener]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield Listener(server)


@pytest.fixture
def done(alice: User, stand_in: StandIn) -> Short:
    """A short of Alice's, whose video is ready."""
    return driving.until(driving.begin(alice), State.SUCCEEDED)


def sent_pictures(stand_in: StandIn) -> list[tuple[str, str]]:
    """The label and the first letters of each picture that the provider was handed."""
    analysed = next(call.body for call in stand_in.requests if call.kind == "analyse")
    submitted = next(call.body for call in stand_in.requests if call.kind == "submit")
    inline = analysed["contents"][0]["parts"][0]["inlineData"]
    image = submitted["instances"][0]["image"]
    return [
        (inline["mime_type"], inline["data"][:4].replace("_", "/").replace("-", "+")),
        (image["mimeType"], image["bytesBase64Encoded"][:4]),
    ]


@pytest.mark.parametrize(
    "address",
    [
        "{url}",
        "{url}#.jpg",
        "https://127.0.0.1/x.png",
        "http://0177.0.0.1/x.png",
        "http://2130706433/x.png",
        "http://[::ffff:127.0.0.1]/x.png",
        "//127.0.0.1/x.png",
        "file:///etc/passwd",
        "data:image/png;base64,iVBORw0KGgo=",
        "gs://bucket/x.png",
        "iVBORw0KGgo=",
    ],
)
def test_fc_19_an_address_in_place_of_a_picture_is_400(
    alice: User, api: Api, listener: Listener, address: str
) -> None:
    response = api(alice).post(
        GENERATE, {"image": address.format(url=listener.url)}, format="multipart"
    )

    assert (response.status_code, response.json()["code"]) == (400, "invalid_image")
    assert not Hold.objects.exists()
    assert not listener.was_called()


@pytest.mark.parametrize("name", ["image", "image_url", "image_base64", "url"])
def test_fc_19_json_carries_no_picture(
    alice: User, api: Api, listener: Listener, name: str
) -> None:
    response = api(alice).post(GENERATE, {name: listener.url}, format="json")

    assert response.status_code == 415
    assert not Hold.objects.exists()
    assert not listener.was_called()


@pytest.mark.parametrize(
    "template",
    [
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='{url}'/></svg>",
        "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM '{url}'>]><svg>&x;</svg>",
        "%PDF-1.7 /URI ({url})",
        "#EXTM3U\n{url}",
    ],
)
def test_fc_19_a_file_that_refers_elsewhere_is_no_picture(
    alice: User, api: Api, listener: Listener, template: str
) -> None:
    image = io.BytesIO(template.format(url=listener.url).encode())
    image.name = "photo.jpg"

    response = api(alice).post(GENERATE, {"image": image}, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, "invalid_image")
    assert not listener.was_called()


def test_fc_19_a_picture_that_names_an_address_is_used_and_the_address_is_not(
    alice: User, stand_in: StandIn, listener: Listener
) -> None:
    tags: dict[str, Any] = {"xmp": listener.url.encode(), "comment": listener.url.encode()}
    picture = saved(banded(), "JPEG", **tags)

    driving.until(driving.begin(alice, picture=picture), State.SUCCEEDED)

    handed = json.dumps([call.body for call in stand_in.requests])
    assert not listener.was_called()
    assert "fileData" not in handed
    assert "fileUri" not in handed
    assert "gcsUri" not in handed
    assert "http" not in handed


@pytest.mark.parametrize(
    "picture",
    [
        jpeg(width=160, height=90),
        saved(banded(), "PNG"),
        saved(banded(), "WEBP"),
        saved(banded(), "GIF"),
        saved(banded(), "AVIF"),
        heic(banded()),
    ],
    ids=["JPEG", "PNG", "WebP", "GIF", "AVIF", "HEIC"],
)
def test_fc_02_the_label_of_what_is_sent_is_that_of_its_bytes(
    alice: User, stand_in: StandIn, picture: bytes
) -> None:
    driving.step(driving.begin(alice, picture=picture))

    assert sent_pictures(stand_in) == [("image/jpeg", "/9j/")] * 2


@pytest.mark.parametrize("part", ["/video", "/image"])
@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}])
def test_fc_20_a_file_is_for_its_owner_alone(
    bob: User, api: Api, done: Short, part: str, method: str, headers: dict[str, str]
) -> None:
    url = f"/api/shorts/{done.pk}{part}"

    others = getattr(api(bob), method)(url, headers=headers)
    strangers = getattr(Client(), method)(url, headers=headers)

    assert (others.status_code, strangers.status_code) == (404, 401)
    assert "ETag" not in others
    assert "Content-Range" not in others


@pytest.mark.parametrize("part", ["/video", "/image"])
def test_fc_20_no_cache_keeps_a_file_for_somebody_else(
    alice: User, api: Api, done: Short, part: str
) -> None:
    response = api(alice).get(f"/api/shorts/{done.pk}{part}")

    assert "private" in response["Cache-Control"]
    assert "public" not in response["Cache-Control"]
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))


@pytest.mark.parametrize("part", ["/video", "/image"])
def test_fc_20_a_link_opens_nothing_after_the_log_out(
    alice: User, client: Client, done: Short, part: str
) -> None:
    client.force_login(alice)
    url = f"/api/shorts/{done.pk}{part}"
    tag = client.get(url)["ETag"]
    client.logout()

    answers = [client.get(url), client.get(url, headers={"If-None-Match": tag})]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize(
    "path",
    [
        "/media/{name}",
        "/media../media/{name}",
        "/media/../media/{name}",
        "/static../settings.py",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static/%2e%2e%2fsettings.py",
        "/static/..%5csettings.py",
        "/static/....//settings.py",
        "/{name}",
        "/api/shorts/{id}/video/../../../../{name}",
    ],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_fc_20_nothing_lies_at_a_public_address(
    alice: User, client: Client, done: Short, path: str, method: str
) -> None:
    client.force_login(alice)

    response = getattr(client, method)(path.format(name=done.video, id=done.pk))

    assert response.status_code == 404
