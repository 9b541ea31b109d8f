import pytest

from shortsproject.local.gemini import StandIn

from .calls import connect


@pytest.fixture(scope="module")
def running():
    with StandIn(render_seconds=0.2) as standin:
        yield standin


@pytest.fixture
def standin(running):
    running.reset()
    return running


@pytest.fixture
def client(standin):
    with connect(standin) as client:
        yield client


@pytest.fixture
def developer(standin):
    with connect(standin, enterprise=False) as client:
        yield client
