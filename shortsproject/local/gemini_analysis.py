"""What the stand-in's "model" says about a picture, and how many tokens it reports for that.

The text is made from the picture (colour, light, orientation) and the user's wish, in whatever
structure the request asked for. Tokens are whole numbers that follow from picture and request
alone, so that the same call always costs the same: about 310 + 97 + 80 (prompt, candidates,
thoughts) with low media resolution and low thinking, and a good deal more without, as with the
real model.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

from shortsproject.local.gemini_wire import Picture, analysis_request, get, nothing_shown

IMAGE_TOKENS = {"LOW": 258, "MEDIUM": 560, "HIGH": 1120, "UNSPECIFIED": 1120}
THOUGHT_TOKENS = {"MINIMAL": 0, "LOW": 62, "MEDIUM": 190, "HIGH": 620}
NO_CAP = 8192
COLOURS = {
    "black": (20, 20, 20),
    "grey": (128, 128, 128),
    "white": (240, 240, 240),
    "red": (200, 40, 40),
    "orange": (235, 140, 40),
    "yellow": (235, 220, 70),
    "green": (60, 150, 70),
    "teal": (40, 150, 150),
    "blue": (50, 90, 190),
    "violet": (130, 70, 170),
    "pink": (235, 150, 180),
    "brown": (120, 80, 50),
}


@dataclass(frozen=True)
class Look:
    """What one sees at a glance. `lit_from` is the side that is brightest."""

    frame: str
    colour: str
    light: str
    lit_from: str


def respond(body: dict[str, Any], model: str, outcome: str | None = None) -> dict[str, Any]:
    """The body of a generateContent answer, as usual or with one of the unhappy outcomes."""
    picture, texts, instructions = analysis_request(body)
    if outcome == "empty":
        return {}
    usage = _prompt_usage(body, picture, texts + instructions)
    if outcome == "filtered":
        usage["totalTokenCount"] = usage["promptTokenCount"]
        return _identified({"promptFeedback": {"blockReason": "SAFETY"}}, usage, model)
    shown = picture or nothing_shown()
    seed = _seed(shown.content, texts)
    text = _text(body, shown, texts, seed)
    text, finish, candidates, thoughts = _within_cap(body, text, seed, outcome)
    usage["candidatesTokenCount"] = candidates
    usage["thoughtsTokenCount"] = thoughts
    usage["totalTokenCount"] = usage["promptTokenCount"] + candidates + thoughts
    content: dict[str, Any] = {"role": "model"}
    if text:
        content["parts"] = [{"text": text}]
    answer = {"candidates": [{"index": 0, "finishReason": finish, "content": content}]}
    return _identified(answer, None if outcome == "no_usage" else usage, model)


def count_tokens(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a countTokens answer."""
    picture, texts, instructions = analysis_request(body)
    usage = _prompt_usage(body, picture, texts + instructions)
    return {
        "totalTokens": usage["promptTokenCount"],
        "promptTokensDetails": usage["promptTokensDetails"],
    }


def _identified(answer: dict[str, Any], usage: dict[str, Any] | None, model: str) -> dict[str, Any]:
    if usage is not None:
        answer["usageMetadata"] = usage
    digest = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()
    return answer | {"modelVersion": model, "responseId": digest[:22]}


def _seed(picture: bytes, texts: list[str]) -> int:
    joined = picture + "\n".join(texts).encode(errors="replace")
    return int.from_bytes(hashlib.sha256(joined).digest()[:4], "big")


def _prompt_usage(
    body: dict[str, Any], picture: Picture | None, texts: list[str]
) -> dict[str, Any]:
    config = get(body, "generationConfig", {})
    asked = str(get(config, "mediaResolution", "UNSPECIFIED")).upper()
    image = IMAGE_TOKENS.get(asked.removeprefix("MEDIA_RESOLUTION_"), 1120) if picture else 0
    # The root keeps a long instruction near the figure that a short one gives: the products under
    # test differ in how much they say, and their estimates should hold here as they do outside.
    text = 20 + math.isqrt(sum(map(len, texts)))
    return {
        "promptTokenCount": image + text,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": text},
            *([{"modality": "IMAGE", "tokenCount": image}] if image else []),
        ],
    }


def _within_cap(
    body: dict[str, Any], text: str, seed: int, outcome: str | None
) -> tuple[str, str, int, int]:
    """Text, finish reason, candidate and thought tokens; both together stay below the cap."""
    config = get(body, "generationConfig", {})
    cap = _whole(get(config, "maxOutputTokens"), NO_CAP)
    thoughts = min(cap, _thoughts(get(config, "thinkingConfig", {}), seed))
    candidates = round(len(text) / 4.6)
    if outcome == "truncated":
        candidates = min(12, cap)
        thoughts = max(0, min(cap, 2000) - candidates)
    elif thoughts + candidates <= cap:
        return text, "STOP", candidates, thoughts
    candidates = min(candidates, cap - thoughts)
    return text[: round(candidates * 4.6)], "MAX_TOKENS", candidates, thoughts


def _thoughts(thinking: Any, seed: int) -> int:
    if get(thinking, "thinkingBudget") == 0:
        return 0
    least = THOUGHT_TOKENS.get(str(get(thinking, "thinkingLevel", "MEDIUM")).upper(), 190)
    return least and least + seed % 37


def _text(body: dict[str, Any], picture: Picture, texts: list[str], seed: int) -> str:
    """The model's words: JSON when a schema or JSON was asked for, else plain text."""
    config = get(body, "generationConfig", {})
    schema = get(config, "responseJsonSchema", get(config, "responseSchema"))
    words = _words(look(picture.image), wish_of(texts), seed)
    if isinstance(schema, dict):
        filled = _fill(schema, "", words, schema)
        return json.dumps(filled, ensure_ascii=False)
    if get(config, "responseMimeType") == "application/json":
        return json.dumps(words, ensure_ascii=False)
    return words["video_prompt"]


def wish_of(texts: list[str]) -> str:
    """The user's own words: what follows a label such as "Wish:", else the last line."""
    text = texts[-1].strip() if texts else ""
    marked = re.search(r"(?is)\b(?:wish|request)\b[^:\n]{0,40}:\s*(.+)", text)
    lines = (marked.group(1) if marked else text).strip().splitlines()
    if not lines:
        return ""
    wish = lines[0] if marked else lines[-1]
    return wish.strip(" \"'“”<>").rstrip(".")[:160]


def look(image: Image.Image) -> Look:
    """Describe a picture by its colour, its light and its orientation."""
    width, height = image.size
    small = image.convert("RGB").resize((16, 16), Image.Resampling.BOX)
    commonest = small.quantize(4).convert("RGB").getcolors() or [(0, (128, 128, 128))]
    colour = max(commonest)[1]
    grey = small.convert("L").resize((2, 2), Image.Resampling.BOX)
    corners = [int(value) for value in grey.tobytes()]
    brightness = sum(corners) / 4
    sides = {
        "left": corners[0] + corners[2],
        "right": corners[1] + corners[3],
        "top": corners[0] + corners[1],
        "bottom": corners[2] + corners[3],
    }
    upright = "square" if width == height else "landscape" if width > height else "portrait"
    light = "dark" if brightness < 60 else "bright" if brightness > 170 else "softly lit"
    return Look(upright, _colour_name(colour), light, max(sides, key=lambda side: sides[side]))


def _colour_name(colour: Any) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, COLOURS[name], strict=True))

    return min(COLOURS, key=distance)


def _words(seen: Look, wish: str, seed: int) -> dict[str, str]:
    pace = ("slow", "gentle", "steady", "calm")[seed % 4]
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
    move = f"{pace} push-in drifting towards the {seen.lit_from}"
    follow = f" The scene follows this wish: {wish}." if wish else ""
    warning = "The picture is very dark; details may be lost." if seen.light == "dark" else ""
    return {
        "seen": f"A {seen.light} {seen.frame} picture in which {seen.colour} is the main colour.",
        "camera_move": move,
        "video_prompt": (
            f"A {pace} camera push-in on the {seen.light} {seen.colour} scene, starting at the "
            f"{opposite[seen.lit_from]} and drifting towards the light at the {seen.lit_from}."
            f"{follow} Natural movement, soft depth of field, no text."
        ),
        "warning": warning,
    }


def _fill(schema: Any, name: str, words: dict[str, str], root: dict[str, Any]) -> Any:
    """A value that fits the schema, with the words where a member has their name."""
    schema = _resolved(schema, root)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if str(one).lower() != "null"), "string")
    kind = str(kind).lower()
    if kind == "object":
        members = schema.get("properties", {})
        return {key: _fill(inner, key, words, root) for key, inner in members.items()}
    if kind == "array":
        return [_fill(schema.get("items", {}), name, words, root)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind in ("boolean", "null"):
        return False if kind == "boolean" else None
    return words.get(name, words["seen"])[: _whole(get(schema, "maxLength"), 10_000)]


def _whole(value: Any, default: int) -> int:
    """A number as JSON writes it, or as protobuf does (64-bit ones are texts)."""
    digits = isinstance(value, str) and value.isdecimal()
    return int(value) if digits or isinstance(value, int) else default


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, behind a reference or a choice."""
    schema = schema if isinstance(schema, dict) else {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _resolved(root.get("$defs", {}).get(reference.rsplit("/", 1)[-1], {}), root)
    choices = get(schema, "anyOf") or schema.get("oneOf")
    return _resolved(choices[0], root) if choices else schema
