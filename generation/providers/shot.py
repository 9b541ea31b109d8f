"""What a route is asked to render."""

from dataclasses import dataclass

from metering.types import OpenHold


@dataclass(frozen=True)
class Shot:
    """A picture that is to move as the prompt says; how long and how fine, says the hold's line."""

    hold: OpenHold
    picture: bytes
    mime_type: str
    prompt: str
    aspect_ratio: str
