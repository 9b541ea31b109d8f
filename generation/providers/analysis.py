"""How Gemini is asked about a picture, and how its answer is read: the same on every route.

Nothing here makes a call. The request is shaped to fit the estimate of its price; texts of the
answer are cleaned, and counts that cannot be counts are left out.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from google.genai import types

from generation.providers import certainty, cleaning, clients
from generation.providers.outcomes import (
    Analysed,
    AnalysisBlocked,
    AnalysisOutcome,
    AnalysisUnusable,
)
from metering.types import Usage

MOST_OUTPUT_TOKENS = 1000
ASKED_PROMPT_CHARACTERS = 900
PROMPT_CHARACTERS = 1500
LEAST_PROMPT_CHARACTERS = 8
SHORT_TEXT_CHARACTERS = 300
WISH_CHARACTERS = 2000
PROVIDER_ID_CHARACTERS = 300

_SYSTEM, _USER = (
    Template(part.strip())
    for part in Path(__file__)
    .with_name("analysis_prompt.txt")
    .read_text(encoding="utf-8")
    .split("=== user ===")
)
_FIELDS = ("seen", "camera_move", "video_prompt", "warning")
_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in _FIELDS},
    "required": list(_FIELDS),
}
_BLOCKING = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
        "JAILBREAK",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
    }
)
_WHOLE = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})
# A phrase that comes six times in a row; shorter texts than the bound are searched whole.
_LOOP = re.compile(r"(.{3,80}?)\1{5}", re.DOTALL)
_LOOP_CHARACTERS = 4000
# What a text for a video model has no use for, and a page must not lead to.
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
_ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]{0,20}://|\bwww\.)\S+|\bdata:\S+", re.IGNORECASE)
_MARKUP = re.compile(
    r"</?(?:a|b|i|u|p|br|em|strong|div|span|script|style|img|svg|iframe|code|pre|h[1-6]|ul|ol|li"
    r"|table|tr|td|th|html|head|body|link|meta|video|audio)\b[^<>]*>|[*`#]{2,}|__+|`",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL | re.IGNORECASE)
# Whatever could pass for the mark at the end of the wish.
_QUOTES = str.maketrans(dict.fromkeys('"“”„‟«»＂″', "'"))


def contents(*, picture: bytes, mime_type: str, wish: str) -> types.Content:
    """The picture and what the user wishes for."""
    return types.Content(
        role="user",
        parts=[
            types.Part.from_bytes(data=picture, mime_type=mime_type),
            types.Part.from_text(text=_USER.substitute(wish=_quoted(wish))),
        ],
    )


def config(*, aspect_ratio: str) -> types.GenerateContentConfig:
    """Shaped so that an ordinary analysis fits its estimate of 500 tokens."""
    return types.GenerateContentConfig(
        system_instruction=_SYSTEM.substitute(
            aspect_ratio=aspect_ratio, most_characters=ASKED_PROMPT_CHARACTERS
        ),
        response_mime_type="application/json",
        response_json_schema=_SCHEMA,
        max_output_tokens=MOST_OUTPUT_TOKENS,
        media_resolution=types.MediaResolution.MEDIA_RESOLUTION_LOW,
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW),
        # Both would make more calls out of one.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=clients.options(),
    )


def read(*, answer: types.GenerateContentResponse) -> AnalysisOutcome:
    """What the answer says, with what it cost."""
    usage = _usage(answer)
    candidate = answer.candidates[0] if answer.candidates else None
    finish = _name(candidate.finish_reason) if candidate else ""
    blocked = _block_reason(answer) or (finish if finish in _BLOCKING else "")
    if blocked:
        reported = usage != Usage(provider_id=usage.provider_id)
        return AnalysisBlocked(certainty.detail(blocked), usage if reported else None)
    if finish not in _WHOLE:
        return AnalysisUnusable(certainty.detail(f"the answer ended with {finish}"), usage)
    fields = _fields(_text(candidate))
    prompt = _field(fields, "video_prompt", PROMPT_CHARACTERS)
    if len(prompt) < LEAST_PROMPT_CHARACTERS:
        return AnalysisUnusable("the answer holds no usable video prompt", usage)
    if not _is_latin(prompt):
        return AnalysisUnusable("the video prompt is not in English", usage)
    return Analysed(
        video_prompt=prompt,
        seen=_field(fields, "seen", SHORT_TEXT_CHARACTERS),
        camera_move=_field(fields, "camera_move", SHORT_TEXT_CHARACTERS),
        warning=_field(fields, "warning", SHORT_TEXT_CHARACTERS),
        usage=usage,
    )


def _quoted(wish: str) -> str:
    """The wish on one line, without a mark that would end its quotation."""
    return cleaning.clean(wish, most=WISH_CHARACTERS, one_line=True).translate(_QUOTES)


def _block_reason(answer: types.GenerateContentResponse) -> str:
    feedback = answer.prompt_feedback
    reason = _name(feedback.block_reason) if feedback else ""
    if feedback is None or reason in ("", "BLOCKED_REASON_UNSPECIFIED"):
        return ""
    message = feedback.block_reason_message
    return f"{reason}: {message}" if message else reason


def _name(reason: types.FinishReason | types.BlockedReason | None) -> str:
    return str(reason.value).upper() if reason is not None else ""


def _text(candidate: types.Candidate | None) -> str:
    """What the model said, without its thoughts."""
    parts = candidate.content.parts if candidate and candidate.content else None
    return "".join(part.text or "" for part in parts or [] if not part.thought)


def _fields(text: str) -> Mapping[str, Any]:
    """The members of the JSON object; none when the text is empty, cut or something else."""
    fenced = _FENCE.fullmatch(text)
    try:
        content = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _field(fields: Mapping[str, Any], name: str, most: int) -> str:
    """One member, cleaned; empty when it is no text, or the same phrase over and over."""
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    text = cleaning.clean(value, most=_LOOP_CHARACTERS, one_line=True)
    text = _MARKUP.sub("", _ADDRESS.sub("", _LINK.sub(r"\1", text)))
    return "" if _LOOP.search(text.casefold()) else cleaning.clean(text, most=most, one_line=True)


def _is_latin(text: str) -> bool:
    """Whether half of the letters at least are Latin ones; a foreign word or two may be quoted.

    English was asked for: an answer in another script followed something else, such as the text
    in the picture. Languages in Latin letters can't be told apart for sure and are let through.
    """
    letters = [letter for letter in text if letter.isalpha()]
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return bool(letters) and 2 * latin >= len(letters)


def _usage(answer: types.GenerateContentResponse) -> Usage:
    """The counts as reported, each None when it was left out or cannot be a count."""
    provider_id = cleaning.clean(answer.response_id or "", most=PROVIDER_ID_CHARACTERS)
    reported = answer.usage_metadata
    if reported is None:
        return Usage(provider_id=provider_id)
    return Usage(
        prompt_tokens=cleaning.count(reported.prompt_token_count),
        candidates_tokens=cleaning.count(reported.candidates_token_count),
        thoughts_tokens=cleaning.count(reported.thoughts_token_count),
        cached_tokens=cleaning.count(reported.cached_content_token_count),
        tool_tokens=cleaning.count(reported.tool_use_prompt_token_count),
        total_tokens=cleaning.count(reported.total_token_count),
        provider_id=provider_id,
    )
