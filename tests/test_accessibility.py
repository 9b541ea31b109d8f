"""Every page in a real browser: axe-core finds nothing to object to, and nothing scrolls sideways.

Each scene is looked at wide and narrow, light and dark, and with its text twice as large.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests import axe, scenes
from tests.scenes import NO_PAGES, SCENES, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What could scroll: the page, and tables in frames of their own, but for those shown on demand.
FRAMES = "html, .receipt, .keys, .broad:not(details *)"
LOOKS = ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark"))
NARROWEST = 320


def objections(page: Page) -> list[str]:
    """What axe objects to in any look: rule, look and element."""
    found = []
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two literals
        for one in axe.objections(page):
            found.append(f"{one.rule} at {width} {theme}: {one.element} {one.reasons}")
    return found


def sideways(page: Page) -> int:
    """How many pixels wide a page is that has 320 (a desk at 400 %)."""
    page.set_viewport_size({"width": NARROWEST, "height": 900})
    return int(page.evaluate("document.documentElement.scrollWidth"))


def enlarged(page: Page) -> list[str]:
    """What scrolls sideways on a desk whose text alone is twice as large; the page is `html`."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    frames = page.locator(FRAMES)
    wide = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
    return [html[:80] for html in frames.evaluate_all(wide)]


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
def test_nobody_is_shut_out(scene: Scene, page: Page, begin_scene: Callable[[Scene], str]) -> None:
    path = begin_scene(scene)

    answer = page.goto(path)

    assert answer is not None
    assert (answer.status, page.url.endswith(path)) == (scene.status, True)
    assert objections(page) == []
    assert sideways(page) == NARROWEST
    assert enlarged(page) == []
