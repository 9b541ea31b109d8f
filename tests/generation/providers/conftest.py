"""The provider package under test, against the stand-in or a raw server, over real HTTP."""

import io
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image

from generation.providers import clients, gateway, routes
from generation.providers.outcomes import (
    Accepted,
    AnalysisOutcome,
    PollOutcome,
    Rendering,
    SubmitOutcome,
)
from metering.types import OpenHold, QuoteLine
from shortsproject.local.gemini import StandIn
from tests.generation.providers.raw_server import Behaviour, RawServer

ANALYSIS_MODEL = "gemini-3.8-flash"
VIDEO_MODEL = "veo-3.1-fast-generate-001"
OMNI_MODEL = "gemini-omni-1.1-flash"
INTERACTION = "v1_abc"
OPERATION = f"publishers/google/models/{VIDEO_MODEL}/operations/77"
VIDEO_MODELS = {routes.ENTERPRISE: VIDEO_MODEL, routes.DEVELOPER: OMNI_MODEL}
NAMES = {routes.ENTERPRISE: OPERATION, routes.DEVELOPER: INTERACTION}

# What is true on one route alone is marked with it; the rest runs on both.
veo = pytest.mark.parametrize("route", [routes.ENTERPRISE])
omni = pytest.mark.parametrize("route", [routes.DEVELOPER])


@pytest.fixture(autouse=True)
def no_route(settings: Any) -> None:
    """Nothing is configured until a test says so."""
    settings.GEMINI_BASE_URL = settings.GEMINI_API_KEY = settings.GOOGLE_CLOUD_PROJECT = ""
    settings.GOOGLE_CLOUD_LOCATION = "us-central1"


@pytest.fixture(scope="session")
def running_stand_in() -> Iterator[StandIn]:
    """One stand-in for the whole run."""
    with StandIn() as server:
        yield server


@pytest.fixture
def stand_in(running_stand_in: StandIn, settings: Any) -> StandIn:
    """The stand-in as just started, and configured."""
    running_stand_in.reset()
    settings.GEMINI_BASE_URL = running_stand_in.url
    return running_stand_in


@pytest.fixture
def raw(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RawServer]]:
    """Starts a raw server and configures it; the client for it ends with the test."""
    monkeypatch.setattr(clients, "_made", {})
    with ExitStack() as running:

        def start(behave: Behaviour, *, reads: bool = True) -> RawServer:
            server = running.enter_context(RawServer(behave, reads=reads))
            settings.GEMINI_BASE_URL = server.url
            # Made here, so that a short deadline in a test is about the call alone.
            with clients.call(deadline_seconds=60, most_bytes=0):
                clients.enterprise()
                clients.developer().interactions  # noqa: B018 - it loads a second time
            return server

        yield start


@pytest.fixture
def stopped(settings: Any) -> Iterator[None]:
    """An address of this machine at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        settings.GEMINI_BASE_URL = f"http://127.0.0.1:{bound.getsockname()[1]}"
        yield


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A JPEG of 160 × 90."""
    written = io.BytesIO()
    Image.new("RGB", (160, 90), (200, 120, 40)).save(written, "JPEG")
    return written.getvalue()


@pytest.fixture(params=[routes.ENTERPRISE, routes.DEVELOPER])
def route(request: pytest.FixtureRequest) -> str:
    """Each route in turn: for what means the same on both."""
    return str(request.param)


@pytest.fixture
def analyse(route: str, picture: bytes) -> Callable[..., AnalysisOutcome]:
    """Analyses the picture; any argument may be changed."""
    usual = {
        "hold": hold(ANALYSIS_MODEL),
        "picture": picture,
        "mime_type": "image/jpeg",
        "wish": "a slow pan",
        "aspect_ratio": "16:9",
        "deadline_seconds": 20.0,
    }
    return lambda **changes: gateway.of(route).analyse(**(usual | changes))


@pytest.fixture
def submit(route: str, picture: bytes) -> Callable[..., SubmitOutcome]:
    """Submits the picture; any argument may be changed."""
    usual = {
        "hold": hold(VIDEO_MODELS[route], seconds=8, resolution="720p"),
        "picture": picture,
        "mime_type": "image/jpeg",
        "prompt": "A slow pan over an orange field",
        "aspect_ratio": "16:9",
        "deadline_seconds": 20.0,
    }
    return lambda **changes: gateway.of(route).submit(**(usual | changes))


@pytest.fixture
def poll(route: str) -> Callable[..., PollOutcome]:
    """Asks for a render, by default for one that only raw servers know."""

    def ask(name: str = NAMES[route], deadline_seconds: float = 20.0) -> PollOutcome:
        return gateway.of(route).poll(operation_name=name, deadline_seconds=deadline_seconds)

    return ask


@pytest.fixture
def render(stand_in: StandIn, submit: Callable[..., SubmitOutcome]) -> str:
    """The name of a render that the stand-in has accepted."""
    outcome = submit()
    assert isinstance(outcome, Accepted)
    return outcome.operation_name


def on(route: str, *values: object) -> list[tuple[str, object]]:
    """Cases of one route, for a test that is the same on both but for them."""
    return [(route, value) for value in values]


def ended_poll(poll: Callable[..., PollOutcome], name: str) -> PollOutcome:
    """Ask about this render until it has ended."""
    until = time.monotonic() + 30
    while isinstance(outcome := poll(name), Rendering) and time.monotonic() < until:
        time.sleep(0.05)
    return outcome


def hold(model: str, *, seconds: int | None = None, resolution: str = "") -> OpenHold:
    """An open hold for one call to this model."""
    line = QuoteLine(
        api_type="any",
        model=model,
        label=model,
        tokens=500,
        usd=None,
        cost_usd=Decimal(0),
        rate_card_id=1,
        tokens_per_usd=Decimal(833),
        seconds=seconds,
        resolution=resolution,
    )
    return OpenHold(id=1, user_id=1, job_id=uuid.uuid4(), amount=500, line=line)
