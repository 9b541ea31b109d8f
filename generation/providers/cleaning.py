"""Text from outside, made safe to store and to show.

Every text that leaves the providers package goes through here: an answer that a database cannot
store (NUL, lone surrogates) would be asked for, and paid for, again and again. Lengths are
characters.
"""

import re
import unicodedata

DETAIL_CHARACTERS = 300
MOST_COUNT = 2**53
MASK = "•••"

# Cc: control characters, NUL among them. Cs: lone surrogates.
_UNWANTED = ("Cc", "Cs")
_KEPT_CONTROLS = "\n\t"
# They turn the reading direction of the text around them.
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINER = "\u200d"
_VARIATION = "\ufe0f"
_SECRETS = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+"  # addresses
    r"|AIza[\w-]{8,}|ya29\.[\w.-]+"  # Google's API keys and access tokens
    r"|\b(?:api[_-]?key|key|access[_-]?token|token)=[^\s&\"']+"
    r"|\bbearer\s+[\w.~+/=-]+",
    re.IGNORECASE,
)
_READ_CHARACTERS = 4000


def clean(text: str, *, most: int, one_line: bool = False) -> str:
    """The text without what cannot be stored or shown, at most `most` characters long.

    `one_line` turns every run of white space into one space. The cut never leaves half of a
    character that is written with several code points.
    """
    # Of a text of megabytes only the beginning is worth the work.
    text = text[: 4 * most + _READ_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(character for character in text if _is_wanted(character))
    return _cut(" ".join(kept.split()) if one_line else kept.strip(), most).rstrip()


def detail(text: str, *, secret: str = "") -> str:
    """One line for staff: cleaned, without addresses, keys, or `secret`, at most 300 characters."""
    cleaned = clean(text, most=_READ_CHARACTERS, one_line=True)
    if secret:
        cleaned = cleaned.replace(secret, MASK)
    return _cut(_SECRETS.sub(MASK, cleaned), DETAIL_CHARACTERS)


def count(number: object) -> int | None:
    """A count as it was reported; None where it was left out or can't be one."""
    return number if isinstance(number, int) and 0 <= number <= MOST_COUNT else None


def _is_wanted(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return True
    return character not in _DIRECTION_MARKS and unicodedata.category(character) not in _UNWANTED


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    end = most
    while end > 0 and _belongs_together(text[end - 1], text[end]):
        end -= 1
    return text[: end or most]


def _belongs_together(before: str, after: str) -> bool:
    return bool(unicodedata.combining(after)) or after in (_JOINER, _VARIATION) or before == _JOINER
