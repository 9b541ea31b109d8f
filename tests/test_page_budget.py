"""What a page may cost: queries, bytes, and what it may load and run."""

import gzip
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page, Response

from accounts.models import User
from shortsproject.local.gemini import StandIn
from tests import scenes
from tests.scenes import SCENES, Scene

MOST_QUERIES = 15
MOST_BYTES = 150_000
CODE = ("text/css", "text/javascript", "application/javascript")
ONE_OF_EACH_PAGE = list({scene.route: scene for scene in SCENES}.values())


def weight(response: Response) -> int:
    """Bytes of a stylesheet or script as a compressing server sends it."""
    kind = response.headers.get("content-type", "")
    return len(gzip.compress(response.body())) if kind.startswith(CODE) else 0


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_page_asks_little_and_allows_nothing_inline(
    scene: Scene, alice: User, stand_in: StandIn
) -> None:
    client, path = scenes.stage(scene, alice, stand_in)

    with CaptureQueriesContext(connection) as asked:
        response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert response.status_code == scene.status
    assert len(asked) <= MOST_QUERIES, [query["sql"] for query in asked]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scene", ONE_OF_EACH_PAGE, ids=lambda scene: scene.route or scene.name)
def test_a_page_is_light(scene: Scene, page: Page, begin_scene: Callable[[Scene], str]) -> None:
    path = begin_scene(scene)
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))

    page.goto(path, wait_until="networkidle")

    assert sum(weight(response) for response in loaded) <= MOST_BYTES
