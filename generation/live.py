"""The parts of a short's page, and which of them a browser that shows it has to be sent again.

A browser says by its marks what it shows. A part is sent again only if it reads differently by now,
so that nothing that a person looks at, listens to or has opened is moved without need.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

NAMES = ("head", "news", "frame", "actions", "ending", "progress", "order", "receipt")
BETWEEN_MARKS = "."


@dataclass(frozen=True)
class Part:
    """One part of the page as it reads now."""

    name: str
    html: SafeString

    @property
    def mark(self) -> str:
        """The same for the same text, and practically never for another."""
        return hashlib.blake2s(self.html.encode(), digest_size=4).hexdigest()


def parts(page: Mapping[str, Any]) -> list[Part]:
    """The parts of a page, by its plain values alone: no query, and no token of a form."""
    return [Part(name, _rendered(name, page)) for name in NAMES]


def _rendered(name: str, page: Mapping[str, Any]) -> SafeString:
    """Without white space around it: a part that says nothing is empty, and takes no room."""
    return mark_safe(render_to_string(f"generation/short/{name}.html", dict(page)).strip())  # noqa: S308 - stripped output of our own template


def marks(parts: Sequence[Part]) -> str:
    """What a browser that was sent these parts says that it shows."""
    return BETWEEN_MARKS.join(part.mark for part in parts)


def changed(parts: Sequence[Part], *, seen: str) -> list[Part]:
    """Those that read differently from what a browser shows; all, if it does not make sense."""
    shown = seen.split(BETWEEN_MARKS)
    if len(shown) != len(parts):
        return list(parts)
    return [part for part, mark in zip(parts, shown, strict=True) if part.mark != mark]
