"""Each unhappy ending in a real browser, on a phone: what happened, what it cost, the way on."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import poll
from shortsproject.local.gemini import StandIn
from tests.generation import driving, settling

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser_context_args(viewport={"width": 390, "height": 844}),
]

LIVE_MS = 15_000
COST = re.compile(r"\d+ tokens (were taken|are held)|No tokens were taken")
AGAIN, STUDIO = re.compile(r"/\?again=[0-9a-f-]{36}(#id_prompt)?$"), re.compile(r"//[^/]+/$")
Given = Callable[[User, StandIn, pytest.MonkeyPatch], Short]


def misled(kind: str, state: str = State.FAILED, **order: Any) -> Given:
    """A short that ends in this state because the provider is told to misbehave."""

    def given(user: User, stand_in: StandIn, _patch: pytest.MonkeyPatch) -> Short:
        stand_in.next(kind, **order)
        return driving.until(driving.begin(user), state)

    return given


def unknown(user: User, stand_in: StandIn, _patch: pytest.MonkeyPatch) -> Short:
    return settling.unknown(user, stand_in)


def overdue(user: User, stand_in: StandIn, _patch: pytest.MonkeyPatch) -> Short:
    """A render that is asked about and asked about, long after it should be done."""
    short = driving.step(driving.begin(user))
    begun = timezone.now() - poll.OVERDUE_AFTER - timedelta(minutes=1)
    Short.objects.filter(pk=short.pk).update(submitted_at=begun)
    stand_in.next("poll", status=503)
    return driving.hurry(short)


def over(user: User, stand_in: StandIn, _patch: pytest.MonkeyPatch) -> Short:
    return settling.over(user, stand_in)


ENDINGS = {
    "blocked": (misled("analyse", outcome="filtered"),
                "Gemini declined to work with this picture", "Try other words", AGAIN),
    "no prompt": (misled("analyse", outcome="empty"),
                  "Gemini found no usable video prompt", "Try other words", AGAIN),
    "no answer": (misled("analyse", n=2, cut="after"),
                  "no usable answer arrived from Gemini", "Make again", AGAIN),
    "refused": (misled("submit", status=400),
                "The service that makes the videos refused", "Take another picture", STUDIO),
    "filtered": (misled("poll", State.FILTERED, outcome="filtered"),
                 "The safety filter of the video model", "Try other words", AGAIN),
    "render error": (misled("poll", outcome="error"),
                     "The video could not be rendered.", "Make again", AGAIN),
    "lost": (settling.lost, "The video was rendered, but it could not be", "Make again", AGAIN),
    "unknown": (unknown, "We do not know yet whether", "Start another video", STUDIO),
    "overdue": (overdue, "The render takes longer than usual.", "Start another video", STUDIO),
    "over": (over, "The render gave no result in time", "Start another video", STUDIO),
}  # fmt: skip


@pytest.mark.parametrize(("given", "heading", "act", "place"), ENDINGS.values(), ids=ENDINGS)
def test_it_is_explained_told_in_figures_and_leads_on(
    alice: User, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, page: Page,
    log_in: Callable[..., None], given: Given, heading: str, act: str, place: re.Pattern[str],
) -> None:  # fmt: skip
    short = given(alice, stand_in, monkeypatch)
    log_in(alice)

    page.goto(f"/shorts/{short.pk}")

    ending = page.get_by_role("region", name=heading)
    expect(ending).to_be_in_viewport()
    expect(ending.get_by_text(COST)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    ending.get_by_role("link", name=act, exact=True).click()
    expect(page).to_have_url(place)
    expect(page.get_by_role("button", name="Make the video")).to_be_enabled()


def test_it_comes_by_itself_to_a_page_that_is_open(
    alice: User, stand_in: StandIn, page: Page, log_in: Callable[..., None]
) -> None:
    stand_in.next("poll", outcome="filtered")
    short = driving.begin(alice)
    log_in(alice)
    page.goto(f"/shorts/{short.pk}")
    page.evaluate("window.same = true")

    with driving.in_background():
        expect(page).to_have_title(re.compile("^Held back by the safety filter"), timeout=LIVE_MS)

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no video")
    expect(page.get_by_role("link", name="Try other words")).to_be_visible()
    assert page.evaluate("window.same")
