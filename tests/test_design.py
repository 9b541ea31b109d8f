"""What docs/design.md promises about colours, computed from the stylesheet itself, and its list of
what was looked at."""

import re

import pytest
from django.conf import settings

from shortsproject.local import sights

STYLES = (settings.BASE_DIR / "shortsproject/static/shorts.css").read_text(encoding="utf-8")
PAGE = (settings.BASE_DIR / "docs/design.md").read_text(encoding="utf-8")
TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
COLOURS = {name: (light, dark) for name, light, dark in TOKEN.findall(STYLES)}
THEMES = ("light", "dark")

# Text on what lies behind it: 4.5 to 1 (WCAG 1.4.3).
TEXT = (
    ("ink", "ground"), ("ink", "card"), ("ink", "sunken"), ("ink", "good-ground"),
    ("ink", "bad-ground"), ("ink", "wait-ground"), ("soft", "ground"), ("soft", "card"),
    ("soft", "sunken"), ("accent", "ground"), ("accent", "card"), ("on-solid", "solid"),
    ("on-solid", "accent"), ("card", "accent"), ("good", "good-ground"), ("bad", "bad-ground"),
    ("bad", "card"), ("bad", "ground"), ("wait", "wait-ground"), ("wait", "card"),
)  # fmt: skip
# Edges of what is used, and marks that say something: 3 to 1 (WCAG 1.4.11).
EDGES = (
    ("edge", "ground"), ("edge", "card"), ("edge", "sunken"), ("focus", "ground"),
    ("focus", "card"), ("focus", "sunken"), ("accent", "sunken"),
    ("bad", "bad-ground"), ("wait", "wait-ground"), ("good", "good-ground"),
)  # fmt: skip
PAIRS = [(*pair, theme, 4.5) for pair in TEXT for theme in THEMES] + [
    (*pair, theme, 3) for pair in EDGES for theme in THEMES
]


def luminance(colour: str) -> float:
    """The relative luminance of a #rrggbb, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, theme: str) -> float:
    """Of two named colours in a theme, from 1 to 21."""
    both = [luminance(COLOURS[name][THEMES.index(theme)]) for name in (one, other)]
    return (max(both) + 0.05) / (min(both) + 0.05)


@pytest.mark.parametrize(("ink", "ground", "theme", "least"), PAIRS)
def test_it_can_be_told_from_what_is_behind_it(
    ink: str, ground: str, theme: str, least: float
) -> None:
    assert contrast(ink, ground, theme) >= least


def test_the_design_page_has_the_colours_as_they_are() -> None:
    rows = [f"| `--{name}` | `{light}` | `{dark}` |" for name, (light, dark) in COLOURS.items()]

    assert [row for row in rows if row not in PAGE] == []


def test_the_design_page_tells_the_contrasts_as_they_are() -> None:
    rows = [
        f"| {ink} on {ground} | {contrast(ink, ground, 'light'):.1f} |"
        f" {contrast(ink, ground, 'dark'):.1f} |"
        for ink, ground in TEXT + EDGES
    ]

    assert [row for row in rows if row not in PAGE] == []


def test_the_design_page_says_of_every_picture_whether_it_was_looked_at() -> None:
    rows = re.findall(r"^\| ([^|]+) \|(?: [✓○] \|){8}$", PAGE, re.MULTILINE)

    assert sorted(", ".join(rows).split(", ")) == sorted(sights.NAMES)
