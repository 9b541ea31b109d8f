"""The provider package under test, against the stand-in or a raw server, over real HTTP."""

import io
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image

from generation.providers import clients, developer, enterprise
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


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A JPEG of 160 × 90."""
    written = io.BytesIO()
    Image.new("RGB", (160, 90), (200, 120, 40)).save(written, "JPEG")
    return written.getvalue()


@pytest.fixture
def analyse(picture: bytes) -> Callable[..., AnalysisOutcome]:
    """Analyses the picture; any argument may be changed."""

    def run(**changes: Any) -> AnalysisOutcome:
        return enterprise.analyse(
            **{
                "hold": hold(ANALYSIS_MODEL),
                "picture": picture,
                "mime_type": "image/jpeg",
                "wish": "a slow pan",
                "aspect_ratio": "16:9",
                "deadline_seconds": 20.0,
            }
            | changes
        )

    return run


@pytest.fixture
def submit(picture: bytes) -> Callable[..., SubmitOutcome]:
    """Submits the picture; any argument may be changed."""

    def run(**changes: Any) -> SubmitOutcome:
        return enterprise.submit(
            **{
                "hold": hold(VIDEO_MODEL, seconds=8, resolution="720p"),
                "picture": picture,
                "mime_type": "image/jpeg",
                "prompt": "A slow pan over an orange field",
                "aspect_ratio": "16:9",
                "deadline_seconds": 20.0,
            }
            | changes
        )

    return run


@pytest.fixture
def poll() -> Callable[..., PollOutcome]:
    """Asks for an operation, by default for one that only raw servers know."""

    def run(name: str = OPERATION, deadline_seconds: float = 20.0) -> PollOutcome:
        return enterprise.poll(operation_name=name, deadline_seconds=deadline_seconds)

    return run


@pytest.fixture
def omni_analyse(picture: bytes) -> Callable[..., AnalysisOutcome]:
    """Analyses the picture on the developer route; any argument may be changed."""

    def run(**changes: Any) -> AnalysisOutcome:
        return developer.analyse(
            **{
                "hold": hold(ANALYSIS_MODEL),
                "picture": picture,
                "mime_type": "image/jpeg",
                "wish": "a slow pan",
                "aspect_ratio": "16:9",
                "deadline_seconds": 20.0,
            }
            | changes
        )

    return run


@pytest.fixture
def omni_submit(picture: bytes) -> Callable[..., SubmitOutcome]:
    """Submits the picture on the developer route; any argument may be changed."""

    def run(**changes: Any) -> SubmitOutcome:
        return developer.submit(
            **{
                "hold": hold(OMNI_MODEL, seconds=8, resolution="720p"),
                "picture": picture,
                "mime_type": "image/jpeg",
                "prompt": "A slow pan over an orange field",
                "aspect_ratio": "16:9",
                "deadline_seconds": 20.0,
            }
            | changes
        )

    return run


@pytest.fixture
def omni_poll() -> Callable[..., PollOutcome]:
    """Asks for an interaction, by default for one that only raw servers know."""

    def run(name: str = INTERACTION, deadline_seconds: float = 20.0) -> PollOutcome:
        return developer.poll(operation_name=name, deadline_seconds=deadline_seconds)

    return run


@pytest.fixture
def interaction(stand_in: StandIn, omni_submit: Callable[..., SubmitOutcome]) -> str:
    """The id of a render on the developer route that the stand-in has accepted."""
    outcome = omni_submit()
    assert isinstance(outcome, Accepted)
    return outcome.operation_name


@pytest.fixture
def operation_name(stand_in: StandIn, submit: Callable[..., SubmitOutcome]) -> str:
    """The name of a render that the stand-in has accepted."""
    outcome = submit()
    assert isinstance(outcome, Accepted)
    return outcome.operation_name


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
