"""FC-04 against a real web server: bombs four at a time, and clients that never finish."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from PIL import Image

from accounts.models import ApiKey, User
from generation import pictures
from generation.models import Short
from metering.models import Hold
from tests.generation.picture_files import banded, png_header, png_with_text_bomb, saved
from tests.pictures import jpeg
from tests.processes import Stack, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 1024 * 1024
BOMBS = {
    "almost too large to warn": saved(Image.new("1", (13000, 13000)), "PNG"),
    "a header alone": png_header(20000, 20000),
    "packed text": png_with_text_bomb(),
    "too many bytes": saved(banded(), "JPEG").ljust(pictures.MAX_BYTES + 1, b"\0"),
}


@pytest.fixture
def key(alice: User) -> str:
    return ApiKey.objects.create(user=alice, name="test")[1]


def send(url: str, key: str, picture: bytes) -> int:
    answer = requests.post(
        f"{url}/api/shorts/generate",
        files={"image": ("photo.png", picture, "image/png")},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    return answer.status_code


def four_at_once(url: str, key: str, picture: bytes) -> list[int]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: send(url, key, picture), range(4)))


def peak_bytes(stack: Stack) -> int:
    """The most memory that any process of the web server has had so far."""
    master = psutil.Process(stack.children[0].pid)
    status = [Path(f"/proc/{one.pid}/status").read_text() for one in [master, *master.children()]]
    return max(int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) * 1024 for text in status)


def half_a_request(url: str, key: str, picture: bytes) -> socket.socket:
    """A client that announces a picture, sends half of it, and waits."""
    place = urlsplit(url)
    client = socket.create_connection((place.hostname, place.port), timeout=30)
    head = (
        f"POST /api/shorts/generate HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(picture) + 500}\r\n"
        "Content-Type: multipart/form-data; boundary=slow\r\n\r\n"
        '--slow\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    )
    client.sendall(head.encode() + picture[: len(picture) // 2])
    return client


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measured the Linux way")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_and_hardly_weigh_on_the_web_process(
    stack: Stack, key: str, name: str
) -> None:
    url = stack.web(workers=1)
    four_at_once(url, key, b"no picture, to have everything loaded")
    before = peak_bytes(stack)

    answers = four_at_once(url, key, BOMBS[name])

    assert answers == [400] * 4
    assert peak_bytes(stack) - before < 90 * MEGABYTE
    assert not Short.objects.exists()
    assert not Hold.objects.exists()


def test_clients_that_never_finish_keep_nobody_waiting_and_leave_nothing(
    stack: Stack, key: str
) -> None:
    url = stack.web(workers=1)
    slow = [half_a_request(url, key, jpeg(width=640, height=360)) for _ in range(4)]

    served = send(url, key, jpeg(width=160, height=90))
    ended = [client.close() for client in slow]

    wait_for(lambda: send(url, key, b"no picture") == 400, what="the next answer")
    assert (served, len(ended)) == (202, 4)
    assert Short.objects.count() == 1
    assert Hold.objects.count() == 2
