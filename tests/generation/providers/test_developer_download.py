import io
import time

import pytest

from generation.providers import developer, gateway, routes
from generation.providers.outcomes import Downloaded, NotDownloaded, VideoReady
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import ended_poll

pytestmark = pytest.mark.django_db

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def route():
    """The only one with files."""
    return routes.DEVELOPER


@pytest.fixture
def file_id(stand_in, render, poll):
    """The file of a render that is done at the stand-in."""
    outcome = ended_poll(poll, render)
    assert isinstance(outcome, VideoReady)
    return outcome.file_id


def fetch(file_id, deadline_seconds=20.0):
    """What was written, and how it ended."""
    target = io.BytesIO()
    outcome = gateway.of(routes.DEVELOPER).download(
        file_id=file_id, target=target, deadline_seconds=deadline_seconds
    )
    return target.getvalue(), outcome


def test_a_file_is_fetched_by_its_id(stand_in, file_id):
    written, outcome = fetch(file_id)

    assert outcome == Downloaded()
    assert written[4:8] == b"ftyp"
    assert stand_in.requests[-1].headers["x-goog-api-key"] == "local-stand-in"


@pytest.mark.parametrize(
    "order",
    [
        {"status": 401},
        {"status": 403},
        {"status": 404},
        {"status": 429},
        {"status": 500},
        {"status": 503},
        {"cut": "before"},
        {"cut": "reset"},
        {"cut": "garbage"},
        {"cut_at": 100},
        {"cut": "reset", "cut_at": 100},
    ],
)
def test_a_file_that_does_not_arrive_is_asked_for_once(stand_in, file_id, order):
    stand_in.next("download", **order)

    _, outcome = fetch(file_id)

    assert isinstance(outcome, NotDownloaded)
    assert stand_in.counts()["calls"]["download"] == 1


@pytest.mark.parametrize(
    "behave",
    [
        raw_server.pour(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        raw_server.answer(b"x", promised=10**9),
    ],
    ids=["endless", "announced"],
)
def test_a_file_that_is_too_large_is_not_taken(raw, monkeypatch, behave):
    monkeypatch.setattr(developer, "VIDEO_BYTES", 300_000)
    raw(behave)

    written, outcome = fetch("abc1")

    assert isinstance(outcome, NotDownloaded)
    assert len(written) <= 300_000


@pytest.mark.parametrize(
    "behave",
    [raw_server.hang, raw_server.drip(CHUNKED, b"1\r\n \r\n")],
    ids=["silence", "dripping"],
)
def test_a_file_that_takes_too_long_ends_at_the_deadline(raw, behave):
    server = raw(behave)
    begun = time.monotonic()

    _, outcome = fetch("abc1", deadline_seconds=0.8)

    assert isinstance(outcome, NotDownloaded)
    assert time.monotonic() - begun < raw_server.PATIENCE / 2
    assert len(server.heads) == 1


def test_nobody_listening_is_not_downloaded(stopped):
    _, outcome = fetch("abc1")

    assert isinstance(outcome, NotDownloaded)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_go_to_another_host(stand_in, status):
    with raw_server.RawServer(raw_server.answer(b"film")) as elsewhere:
        stand_in.next("download", status=status, body={}, headers={"Location": elsewhere.url})

        written, outcome = fetch("abc1")

    assert outcome == NotDownloaded("the file is at an address that we do not go to")
    assert (written, elsewhere.heads) == (b"", [])


def test_an_address_of_googles_is_followed_without_the_key(settings, monkeypatch, stand_in):
    with raw_server.RawServer(raw_server.answer(b"film")) as elsewhere:
        monkeypatch.setattr(developer, "is_googles", lambda address: address == elsewhere.url)
        stand_in.next("download", status=302, body={}, headers={"Location": elsewhere.url})

        written, outcome = fetch("abc1")

    assert (written, outcome) == (b"film", Downloaded())
    assert b"goog-api-key" not in elsewhere.heads[0].lower()
    assert b"authorization" not in elsewhere.heads[0].lower()


@pytest.mark.parametrize(
    "behave",
    [
        raw_server.pour(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        raw_server.drip(CHUNKED, b"1\r\n \r\n"),
        raw_server.disconnect,
    ],
    ids=["endless", "dripping", "disconnect"],
)
def test_a_file_at_its_own_address_keeps_to_the_same_limits(monkeypatch, stand_in, behave):
    monkeypatch.setattr(developer, "VIDEO_BYTES", 300_000)
    monkeypatch.setattr(developer, "is_googles", lambda address: True)
    begun = time.monotonic()

    with raw_server.RawServer(behave) as elsewhere:
        stand_in.next("download", status=302, body={}, headers={"Location": elsewhere.url})
        written, outcome = fetch("abc1", deadline_seconds=2.0)

    assert isinstance(outcome, NotDownloaded)
    assert len(written) <= 300_000
    assert time.monotonic() - begun < raw_server.PATIENCE


def test_a_second_redirect_is_not_followed(monkeypatch, stand_in):
    again = raw_server.answer(status="302 Found", headers=("Location: http://127.0.0.1:9",))
    with raw_server.RawServer(again) as elsewhere:
        monkeypatch.setattr(developer, "is_googles", lambda address: True)
        stand_in.next("download", status=302, body={}, headers={"Location": elsewhere.url})

        _, outcome = fetch("abc1")

    assert outcome == NotDownloaded("the file's own address answered 302")


@pytest.mark.parametrize(
    ("address", "followed"),
    [
        ("https://storage.googleapis.com/a/b?c=d", True),
        ("https://x.googleusercontent.com:443/a", True),
        ("http://storage.googleapis.com/a", False),
        ("https://storage.googleapis.com:8443/a", False),
        ("https://user@storage.googleapis.com/a", False),
        ("https://storage.googleapis.com.example/a", False),
        ("https://evilgoogleapis.com/a", False),
        ("https://127.0.0.1/a", False),
        ("https://[::1", False),
        ("//storage.googleapis.com/a", False),
        ("/a", False),
    ],
)
def test_only_googles_own_hosts_are_followed(address, followed):
    assert developer.is_googles(address) is followed


@pytest.mark.parametrize("file_id", ["", "a/b", "..", "A1", "a-b"])
def test_an_id_that_is_none_is_not_asked_for(stand_in, file_id):
    _, outcome = fetch(file_id)

    assert isinstance(outcome, NotDownloaded)
    assert stand_in.counts()["calls"]["download"] == 0
