"""Every page in a real browser: axe-core finds nothing to object to, and nothing scrolls sideways.

Each scene is looked at wide and narrow, light and dark. The rules are those of WCAG 2.2 AA and
axe's own best practice.
"""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from accounts.models import User
from shortsproject.local.gemini import StandIn
from tests import scenes
from tests.browser import Complaints
from tests.scenes import NO_PAGES, SCENES, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark"))
NARROWEST = 320
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
AXE = Axe()


def objections(page: Page) -> list[str]:
    """What axe objects to in any look: rule, look and element."""
    found = []
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two literals
        for violation in AXE.run(page, options=OPTIONS).response["violations"]:
            for node in violation["nodes"]:
                found.append(f"{violation['id']} at {width} {theme}: {_told(node)}")
    return found


def _told(node: dict[str, Any]) -> str:
    reasons = [check["message"] for check in node["any"] + node["all"] + node["none"]]
    return f"{node['target']} {' '.join(reasons)}"


def sideways(page: Page) -> int:
    """How many pixels wide a page is that has 320 (a desk at 400 %)."""
    page.set_viewport_size({"width": NARROWEST, "height": 900})
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_every_page_has_a_scene() -> None:
    shown = {scene.route for scene in SCENES if scene.route}

    assert scenes.routes() - NO_PAGES - shown == set()
    assert (NO_PAGES | shown) - scenes.routes() == set()


def test_a_fault_would_be_found(page: Page) -> None:
    page.goto("/accounts/login/")
    page.evaluate("document.documentElement.removeAttribute('lang')")

    found = objections(page)

    assert [text.partition(":")[0] for text in found] == [
        f"html-has-lang at {width} {theme}" for width, theme in LOOKS
    ]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nobody_is_shut_out(
    scene: Scene, alice: User, stand_in: StandIn, page: Page, complaints: Complaints,
    take_session: Callable[..., None],
) -> None:  # fmt: skip
    client, path = scenes.stage(scene, alice, stand_in)
    take_session(client)
    complaints.expect(f"status of {scene.status}")

    answer = page.goto(path)

    assert answer is not None
    assert (answer.status, page.url.endswith(path)) == (scene.status, True)
    assert objections(page) == []
    assert sideways(page) == NARROWEST
