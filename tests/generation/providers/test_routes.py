import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import google.auth
import google.oauth2.credentials
import httpx2
import pytest

from generation.providers import clients, routes
from generation.providers.outcomes import Analysed, NotAccepted, Refused
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import omni, veo
from tests.generation.providers.raw_server import RawServer

LOOPBACK = "http://127.0.0.1:9999"
FAR = "https://proxy.example/gemini"


class Recording(httpx2.BaseTransport):
    """Takes requests down and lets none out."""

    requests: list[httpx2.Request] = []

    def __init__(self, **options):
        """As the real one is made."""

    def handle_request(self, request):
        Recording.requests.append(request)
        raise httpx2.ConnectError("no network in this test")


def set_all(settings, values):
    """Set several settings for this test."""
    for name, value in values.items():
        setattr(settings, name, value)


@pytest.fixture
def recorded(monkeypatch, settings):
    """A project without any network: fake credentials, requests only taken down."""
    token = google.oauth2.credentials.Credentials(token="a-token")
    monkeypatch.setattr(google.auth, "default", lambda **options: (token, "another-project"))
    monkeypatch.setattr(clients, "Transport", Recording)
    monkeypatch.setattr(Recording, "requests", [])
    monkeypatch.setattr(clients, "_made", {})
    settings.GOOGLE_CLOUD_PROJECT = "my-project"
    return Recording


@pytest.fixture
def misled(monkeypatch):
    """Puts into the environment what the SDK would read by itself."""

    def mislead(enterprise):
        monkeypatch.setenv("GOOGLE_GENAI_USE_ENTERPRISE", enterprise)
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", enterprise)
        monkeypatch.setenv("GOOGLE_API_KEY", "someone-elses")
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "someone-elses")
        monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "http://127.0.0.1:1")

    return mislead


@pytest.mark.parametrize(
    ("values", "configured"),
    [
        ({}, set()),
        ({"GEMINI_API_KEY": "k"}, {"developer"}),
        ({"GOOGLE_CLOUD_PROJECT": "p"}, {"enterprise"}),
        ({"GOOGLE_CLOUD_PROJECT": "p", "GEMINI_API_KEY": "k"}, {"enterprise", "developer"}),
        ({"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": ""}, set()),
        ({"GOOGLE_CLOUD_PROJECT": "p", "GEMINI_BASE_URL": FAR}, {"enterprise"}),
        ({"GEMINI_BASE_URL": LOOPBACK}, {"enterprise", "developer"}),
        ({"GEMINI_BASE_URL": FAR}, set()),
        ({"GEMINI_BASE_URL": FAR, "GEMINI_API_KEY": "k"}, {"enterprise", "developer"}),
        ({"GEMINI_BASE_URL": "127.0.0.1:9999", "GEMINI_API_KEY": "k"}, set()),
        ({"GEMINI_BASE_URL": "ftp://127.0.0.1", "GEMINI_API_KEY": "k"}, set()),
        ({"GEMINI_BASE_URL": "http://[::1"}, set()),
        ({"GEMINI_BASE_URL": "http://127.0.0.1:port"}, set()),
    ],
)
def test_a_route_needs_its_login_or_an_address(settings, values, configured):
    set_all(settings, values)

    assert routes.configured() == configured


@pytest.mark.parametrize(
    ("address", "stand_in"),
    [
        ("", False),
        (LOOPBACK, True),
        ("http://localhost:9999/", True),
        ("http://[::1]:9999", True),
        ("http://127.9.9.9", True),
        (FAR, False),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_an_address_of_this_machine_is_a_stand_in(settings, address, stand_in):
    settings.GEMINI_BASE_URL = address

    assert routes.is_stand_in() is stand_in


def test_a_key_is_not_shown_where_a_route_is(settings):
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = FAR, "a-very-secret-word"

    assert "secret" not in repr(routes.enterprise())
    assert "secret" not in repr(routes.developer())


@pytest.mark.django_db
@veo
def test_a_project_is_called_at_googles_own_address_with_a_token(recorded, submit):
    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    (request,) = recorded.requests
    assert str(request.url) == (
        "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/my-project/locations/"
        "us-central1/publishers/google/models/veo-3.1-fast-generate-001:predictLongRunning"
    )
    assert request.headers["authorization"] == "Bearer a-token"
    assert "x-goog-api-key" not in request.headers


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
@pytest.mark.django_db
@veo
def test_the_location_says_which_of_googles_hosts_is_called(
    recorded, settings, submit, location, host
):
    settings.GOOGLE_CLOUD_LOCATION = location

    submit()

    (request,) = recorded.requests
    assert request.url.scheme == "https"
    assert request.url.host == host
    assert f"/projects/my-project/locations/{location}/" in request.url.path


@pytest.mark.django_db
@veo
def test_a_project_behind_a_proxy_address_keeps_its_login(recorded, settings, analyse):
    settings.GEMINI_BASE_URL = FAR

    analyse()

    (request,) = recorded.requests
    assert str(request.url).startswith(f"{FAR}/v1beta1/projects/my-project/locations/")
    assert request.headers["authorization"] == "Bearer a-token"


@pytest.mark.django_db
@omni
def test_a_key_alone_calls_googles_own_address(recorded, settings, submit, analyse):
    settings.GOOGLE_CLOUD_PROJECT, settings.GEMINI_API_KEY = "", "a-key"

    submit()
    analyse()

    submitted, analysed = recorded.requests
    host = "https://generativelanguage.googleapis.com/v1"
    assert str(submitted.url) == f"{host}/interactions"
    assert str(analysed.url) == f"{host}/models/gemini-3.8-flash:generateContent"
    assert submitted.headers["x-goog-api-key"] == analysed.headers["x-goog-api-key"] == "a-key"


@pytest.mark.django_db
@omni
def test_the_environment_cannot_turn_the_developer_route(recorded, settings, misled, submit):
    settings.GEMINI_API_KEY = "a-key"
    misled(enterprise="true")

    submit()

    (request,) = recorded.requests
    assert str(request.url) == "https://generativelanguage.googleapis.com/v1/interactions"
    assert request.headers["x-goog-api-key"] == "a-key"


@pytest.mark.django_db
@veo
def test_googles_credentials_are_never_sent_to_this_machine(recorded, settings, analyse):
    settings.GEMINI_BASE_URL = LOOPBACK

    analyse()

    (request,) = recorded.requests
    assert "authorization" not in request.headers
    assert request.headers["x-goog-api-key"] == "local-stand-in"


@pytest.mark.django_db
@veo
def test_an_address_alone_is_called_with_the_key(recorded, settings, analyse):
    settings.GOOGLE_CLOUD_PROJECT = ""
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = FAR, "a-key"

    analyse()

    (request,) = recorded.requests
    assert str(request.url) == (
        f"{FAR}/v1beta1/publishers/google/models/gemini-3.8-flash:generateContent"
    )
    assert request.headers["x-goog-api-key"] == "a-key"


@pytest.mark.django_db
@veo
def test_the_environment_cannot_turn_a_call_elsewhere(recorded, misled, submit):
    misled(enterprise="false")

    submit()

    (request,) = recorded.requests
    assert request.url.host == "us-central1-aiplatform.googleapis.com"
    assert request.url.path.startswith("/v1beta1/projects/my-project/")
    assert "x-goog-api-key" not in request.headers


@pytest.mark.django_db
@veo
def test_a_login_that_is_not_there_is_refused_without_a_request(recorded, monkeypatch, analyse):
    def missing(**options):
        raise google.auth.exceptions.DefaultCredentialsError("none were found")

    monkeypatch.setattr(google.auth, "default", missing)

    outcome = analyse()

    assert outcome == Refused(401, "DefaultCredentialsError: none were found")
    assert recorded.requests == []


@pytest.mark.django_db
@veo
def test_a_login_that_is_never_answered_ends_at_the_deadline(recorded, monkeypatch, analyse):
    server = raw_server.RawServer(raw_server.hang)
    stale = google.oauth2.credentials.Credentials(
        token=None, refresh_token="r", token_uri=server.url, client_id="c", client_secret="s"
    )
    monkeypatch.setattr(google.auth, "default", lambda **options: (stale, "p"))
    begun = time.monotonic()

    with server:
        outcome = analyse(deadline_seconds=1.5)

    assert isinstance(outcome, NotAccepted)
    assert time.monotonic() - begun < raw_server.PATIENCE
    assert recorded.requests == []


@pytest.mark.django_db
def test_a_proxy_of_the_environment_is_not_used_on_this_machine(stand_in, monkeypatch, analyse):
    with RawServer(raw_server.disconnect) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.setattr(clients, "_made", {})

        outcome = analyse()

    assert isinstance(outcome, Analysed)
    assert proxy.heads == []


@pytest.mark.django_db
def test_a_proxy_of_the_environment_is_used_elsewhere(settings, monkeypatch, analyse):
    settings.GEMINI_BASE_URL, settings.GEMINI_API_KEY = FAR, "a-key"
    with RawServer(raw_server.answer(status="502 Bad Gateway")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setattr(clients, "_made", {})

        outcome = analyse()

    assert isinstance(outcome, NotAccepted)
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT proxy.example:443 ")
    assert b"a-key" not in head


def test_threads_share_one_client(stand_in):
    ready = threading.Barrier(8)

    def take(_):
        ready.wait()
        with clients.call(deadline_seconds=5, most_bytes=1000):
            return clients.enterprise()

    with ThreadPoolExecutor(8) as pool:
        taken = set(pool.map(take, range(8)))

    assert len(taken) == 1


def test_a_process_keeps_its_client(stand_in):
    with clients.call(deadline_seconds=5, most_bytes=1000):
        first = clients.enterprise()
        again = clients.enterprise()

    assert again is first


@pytest.mark.parametrize("lock", [nullcontext(), clients._making], ids=["idle", "making a client"])
def test_a_forked_process_makes_a_client_of_its_own(stand_in, lock):
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with clients.call(deadline_seconds=20, most_bytes=1000):
        first = clients.enterprise()
        forked = multiprocessing.get_context("fork").Process(
            target=lambda: sender.send(clients.enterprise() is first)
        )
        with lock:
            forked.start()

    answered = receiver.poll(20)
    forked.kill()
    forked.join()
    assert answered
    assert receiver.recv() is False


def test_no_connection_is_used_for_two_calls(raw, poll):
    server = raw(raw_server.answer(b"{}"))

    poll()
    poll()

    assert len(server.heads) == 2
    assert b"connection: close" in server.heads[0].lower()
