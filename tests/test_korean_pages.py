"""Whoever reads Korean reads nothing else, but for names that are the same in any language."""

import re
from html import unescape

import pytest

from accounts.models import User
from shortsproject.local.gemini import StandIn
from tests import scenes
from tests.scenes import SCENES, Scene

KEPT = {
    # Names
    "Shorts", "Gemini", "Google", "Veo", "Fast", "Lite", "Omni", "Flash", "English",
    "Microsoft", "Authenticator",
    # Formats, protocols, units and signs
    "JPEG", "PNG", "WebP", "HEIC", "GIF", "AVIF", "MP", "MB", "KB", "API", "REST", "CSV", "CSS",
    "JSON", "Lines", "QR", "USD", "UTC", "KST", "px", "p", "k", "s", "x",
    # What the people of the scenes typed
    "laptop", "render", "farm", "photo", "jpg",
}  # fmt: skip
# What people typed or programs read is shown as it is.
SHOWN_AS_IS = re.compile(r"<(script|code|pre|blockquote|datalist)\b.*?</\1>", re.DOTALL)
READ_OUT = re.compile(r'\b(?:alt|title|aria-label|placeholder)="([^"]*)"')
TAG = re.compile(r"<[^>]*>")
ADDRESS = re.compile(r"\{\w+\}|\S+@\S+|[\w-]*\d[\w-]*|\S+/\S+")


def latin_words(page: str) -> set[str]:
    """The words of a page in Latin letters, without addresses, numbers and what is kept."""
    page = SHOWN_AS_IS.sub(" ", page)
    text = unescape(" ".join([TAG.sub(" ", page), *READ_OUT.findall(page)]))
    text = ADDRESS.sub(" ", text)
    return set(re.findall(r"[A-Za-z]+", text)) - KEPT


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_korean_page_has_no_english_left(scene: Scene, alice: User, stand_in: StandIn) -> None:
    client, path = scenes.stage(scene, alice, stand_in)

    page = client.get(path, headers={"Accept-Language": "ko"}).content.decode()

    assert '<html lang="ko">' in page
    assert latin_words(page) == set()
