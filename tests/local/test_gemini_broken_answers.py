"""Answers that break off, drip, wait or are not what they seem, and downloads of every sort."""

import threading
import time

import httpx2
import pytest
from google.genai import errors

from .calls import create, failure, see, submit

KEY = {"x-goog-api-key": "local"}


@pytest.fixture
def address(developer, standin):
    """Where the file of a finished render is."""
    uri = see(developer, create(developer)).output_video.uri
    return f"{standin.url}/v1/files/{uri.rsplit('/', 1)[1]}"


def fetched(address):
    """The parts of the file that came, and the error that ended them."""
    parts = []
    try:
        with httpx2.stream("GET", address, headers=KEY, timeout=10) as answer:
            parts += answer.iter_raw()
    except httpx2.HTTPError as error:
        return b"".join(parts), error
    return b"".join(parts), None


@pytest.mark.parametrize(
    ("cut", "kind"),
    [
        ("reset", httpx2.ReadError),
        ("after", httpx2.RemoteProtocolError),
        ("garbage", httpx2.RemoteProtocolError),
    ],
)
def test_a_submit_is_taken_before_its_answer_breaks(client, standin, cut, kind):
    standin.next("submit", cut=cut)

    broken = failure(submit, client)

    assert isinstance(broken, kind)
    assert standin.counts()["accepted_submits"] == 1


@pytest.mark.parametrize("cut", ["reset", "after"])
def test_an_interaction_is_taken_before_its_answer_breaks(developer, standin, cut):
    standin.next("submit", cut=cut)

    broken = failure(create, developer)

    assert isinstance(broken.__cause__, httpx2.TransportError)
    assert standin.counts()["accepted_submits"] == 1


def test_an_answer_can_promise_more_than_it_brings(client, standin):
    standin.next("submit", cut_at=10)

    broken = failure(submit, client)

    assert isinstance(broken, httpx2.RemoteProtocolError)
    assert standin.counts()["accepted_submits"] == 1


def test_an_answer_can_drip(client, standin):
    standin.next("submit", drip_s=0.6)
    began = time.monotonic()

    operation = submit(client)

    assert operation.name
    assert 0.5 <= time.monotonic() - began < 5


def test_a_file_comes_whole_with_its_length(address):
    answer = httpx2.get(address, headers=KEY)

    assert answer.headers["content-type"] == "video/mp4"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content[4:8] == b"ftyp"


def test_a_download_can_be_refused(developer, standin, address):
    standin.next("download", status=503)

    with pytest.raises(errors.ServerError) as refused:
        developer.files.download(file=address.replace("http://", "https://"))

    assert refused.value.code == 503


@pytest.mark.parametrize(("outcome", "status"), [("error", 500), ("filtered", 404)])
def test_a_download_can_fail(standin, address, outcome, status):
    standin.next("download", outcome=outcome)

    answer = httpx2.get(address, headers=KEY)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == status


def test_a_download_can_be_sent_elsewhere(standin, address):
    standin.next("download", status=302, headers={"Location": "/v1/files/elsewhere"})

    answer = httpx2.get(address, headers=KEY)

    assert (answer.status_code, answer.headers["location"]) == (302, "/v1/files/elsewhere")


@pytest.mark.parametrize(
    ("cut", "kind"), [("after", httpx2.RemoteProtocolError), ("reset", httpx2.ReadError)]
)
def test_a_download_can_break_off_in_the_middle(standin, address, cut, kind):
    standin.next("download", cut=cut, cut_at=5000)

    content, broken = fetched(address)

    assert isinstance(broken, kind)
    assert len(content) <= 5000


def test_half_a_file_can_pass_for_a_whole_one(standin, address):
    whole, _ = fetched(address)
    standin.next("download", outcome="truncated")

    half, broken = fetched(address)

    assert broken is None
    assert half == whole[: len(whole) // 2]


def test_a_file_can_be_something_else(standin, address):
    standin.next("download", body="<html>Sign in</html>")

    answer = httpx2.get(address, headers=KEY)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text == "<html>Sign in</html>"


@pytest.mark.parametrize(
    ("order", "length"), [({"outcome": "empty"}, 0), ({"size_bytes": 3_000_000}, 3_000_000)]
)
def test_a_file_can_be_empty_or_too_long(standin, address, order, length):
    standin.next("download", **order)

    content, broken = fetched(address)

    assert broken is None
    assert len(content) == length


def test_a_download_can_wait_between_two_pieces(standin, address):
    whole, _ = fetched(address)
    standin.next("download", hold_at=4096)
    results = []
    caller = threading.Thread(target=lambda: results.append(fetched(address)))
    caller.start()
    standin.wait_held("download")
    before = list(results)

    standin.release("download")
    caller.join(10)

    assert before == []
    assert results == [(whole, None)]
