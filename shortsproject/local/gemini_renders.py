"""The stand-in's Veo operations: accepted, rendering for a while, then done.

Clips are encoded from the moment of the submit, one at a time, by a thread of its own, so that a
poll never waits: not encoded yet is still running. Clips live in a cache of bounded size and are
encoded again when an old operation is asked for; pictures are kept once each, and the oldest
finished operations go when there is too much. Times are seconds of the monotonic clock.
"""

import base64
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any

import av

from shortsproject.local import video
from shortsproject.local.gemini_wire import MESSAGES, RefusedError, Render

KEPT_OPERATIONS = 5000
KEPT_PICTURE_BYTES = 256 * 1024 * 1024
FILTERED_REASON = (
    "Veo could not generate 1 videos because the input image or prompt violates the usage "
    "guidelines. You will not be charged for this request. Try rephrasing the prompt. "
    "Support codes: 42237218"
)
INTERNAL_ERROR = {"code": 13, "message": "Internal error. Please try again later."}


@dataclass
class Operation:
    """One accepted render. `ending` is `video`, `filtered` or `error`."""

    name: str
    render: Render
    due: float
    ending: str
    encoded: bool = False


class Renders:
    """All operations of one stand-in; safe to use from many threads."""

    def __init__(self, render_seconds: float) -> None:
        """`render_seconds`: how long a video of 8 seconds takes; shorter ones take their part."""
        self.render_seconds = render_seconds
        self._condition = threading.Condition()
        self._stopped = threading.Event()
        self._operations: dict[str, Operation] = {}
        self._pictures: dict[bytes, bytes] = {}
        self._pending: deque[Operation] = deque()
        self._clips = video.Cache(cancelled=self._stopped.is_set)
        self._encoder: threading.Thread | None = None

    def start(self) -> None:
        """Begin to encode, or go on after a stop: what was accepted is still known."""
        self._stopped.clear()
        self._encoder = threading.Thread(target=self._encode, name="encoder", daemon=True)
        self._encoder.start()

    def stop(self) -> None:
        """Give up the clip in hand and end the thread."""
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()
        if self._encoder is not None:
            self._encoder.join()

    def clear(self) -> None:
        """Forget every operation."""
        with self._condition:
            self._operations.clear()
            self._pictures.clear()
            self._pending.clear()

    def accept(self, render: Render, resource: str, ending: str) -> Operation:
        """Take a submit: from here on there is an operation."""
        due = time.monotonic() + self.render_seconds * render.shape.seconds / 8
        with self._condition:
            picture = self._pictures.setdefault(render.picture, render.picture)
            operation = Operation(
                name=f"{resource}/operations/{uuid.uuid4()}",
                render=Render(picture, render.shape),
                due=due,
                ending=ending,
            )
            self._operations[operation.name] = operation
            if ending == "video":
                self._pending.append(operation)
            self._forget_oldest()
            self._condition.notify_all()
        return operation

    def find(self, name: Any) -> Operation:
        """The operation of that name; 404 when there is none."""
        with self._condition:
            operation = self._operations.get(name) if isinstance(name, str) else None
        if operation is None:
            raise RefusedError(404, MESSAGES[404])
        return operation

    def body(self, operation: Operation) -> dict[str, Any]:
        """The answer to a poll: running, or done with its ending."""
        if not self._is_done(operation):
            return {"name": operation.name}
        if operation.ending != "video":
            return ended(operation.name, operation.ending)
        return done(operation.name, {"raiMediaFilteredCount": 0, "videos": [self._clip(operation)]})

    def clip_base64(self, operation: Operation) -> str:
        """The finished clip in standard base64."""
        clip = self._clips.get(operation.render.picture, operation.render.shape)
        return base64.b64encode(clip).decode()

    def _clip(self, operation: Operation) -> dict[str, str]:
        return {"bytesBase64Encoded": self.clip_base64(operation), "mimeType": "video/mp4"}

    def _is_done(self, operation: Operation) -> bool:
        late = time.monotonic() >= operation.due
        return late and (operation.encoded or operation.ending != "video")

    def _encode(self) -> None:
        while (operation := self._next()) is not None:
            try:
                self._clips.get(operation.render.picture, operation.render.shape)
                operation.encoded = True
            except video.CancelledError:
                with self._condition:
                    self._pending.appendleft(operation)
            except (OSError, ValueError, av.FFmpegError):
                operation.ending = "error"

    def _next(self) -> Operation | None:
        with self._condition:
            self._condition.wait_for(lambda: self._pending or self._stopped.is_set())
            return None if self._stopped.is_set() else self._pending.popleft()

    def _forget_oldest(self) -> None:
        """Keep within bounds; what still renders is never forgotten."""
        while self._too_many():
            oldest = next((one for one in self._operations.values() if self._is_done(one)), None)
            if oldest is None:
                return
            del self._operations[oldest.name]
            picture = oldest.render.picture
            if all(one.render.picture is not picture for one in self._operations.values()):
                del self._pictures[picture]

    def _too_many(self) -> bool:
        held_bytes = sum(map(len, self._pictures))
        return len(self._operations) > KEPT_OPERATIONS or held_bytes > KEPT_PICTURE_BYTES


def done(name: str, response: dict[str, Any]) -> dict[str, Any]:
    """A finished operation with this response."""
    kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
    return {"name": name, "done": True, "response": {"@type": kind} | response}


def ended(name: str, ending: str) -> dict[str, Any]:
    """A finished operation without a video: `filtered`, `error`, or `empty`."""
    if ending == "filtered":
        reasons = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED_REASON]}
        return done(name, reasons)
    if ending == "error":
        return {"name": name, "done": True, "error": INTERNAL_ERROR}
    return {"name": name, "done": True}
