"""The stand-in's renders: Veo's operations and Omni's interactions, for a while, then done.

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
from dataclasses import dataclass, field, replace
from typing import Any

import av

from shortsproject.local import gemini_interactions, video
from shortsproject.local.gemini_wire import MESSAGES, RefusedError, Render

KEPT_OPERATIONS = 5000
KEPT_PICTURE_BYTES = 256 * 1024 * 1024
FILTERED_REASON = (
    "Veo could not generate 1 videos because the input image or prompt violates the usage "
    "guidelines. You will not be charged for this request. Try rephrasing the prompt. "
    "Support codes: 42237218"
)
FILTERED = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED_REASON]}
ERROR = {"code": 13, "message": "Internal error. Please try again later."}
EXHAUSTED = {"code": 8, "message": "Resource has been exhausted (e.g. check quota)."}
ENDINGS = (
    "filtered",
    "error",
    "exhausted",
    "error_and_video",
    "filtered_and_video",
    "no_video",
    "blank_video",
    "other_name",
    # As usual: a video of Veo never reports any.
    "no_usage",
)
WITH_A_CLIP = ("video", "error_and_video", "filtered_and_video", "other_name", "no_usage")


@dataclass
class Operation:
    """One accepted render: of Veo, or of Omni when there is what it was `asked`.

    `ending` is `video`, or an ending of its wire; `file` is the id of its clip, which is `offered`
    as soon as an answer has named it, even if it was told to do so before the render was done.
    """

    name: str
    render: Render
    due: float
    ending: str
    asked: gemini_interactions.Asked | None = None
    file: str = field(default_factory=lambda: uuid.uuid4().hex)
    encoded: bool = False
    offered: bool = False


class Renders:
    """All operations of one stand-in; safe to use from many threads."""

    def __init__(self, render_seconds: float) -> None:
        """`render_seconds`: how long a video of 8 seconds takes; shorter ones take their part."""
        self.render_seconds = render_seconds
        self._condition = threading.Condition()
        self._stopped = threading.Event()
        self._operations: dict[str, Operation] = {}
        self._files: dict[str, Operation] = {}
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
            self._files.clear()
            self._pictures.clear()
            self._pending.clear()

    def accept(self, render: Render, resource: str, ending: str) -> Operation:
        """Take a submit to Veo: from here on there is an operation."""
        name = f"{resource}/operations/{uuid.uuid4()}"
        return self._begin(Operation(name, render, self._due(render), ending))

    def accept_interaction(self, asked: gemini_interactions.Asked, ending: str) -> Operation:
        """Take a submit to Omni."""
        due = self._due(asked.render)
        return self._begin(Operation(f"v1_{uuid.uuid4().hex}", asked.render, due, ending, asked))

    def _due(self, render: Render) -> float:
        return time.monotonic() + self.render_seconds * render.shape.seconds / 8

    def _begin(self, operation: Operation) -> Operation:
        with self._condition:
            picture = operation.render.picture
            picture = self._pictures.setdefault(picture, picture)
            operation.render = replace(operation.render, picture=picture)
            self._operations[operation.name] = operation
            self._files[operation.file] = operation
            if operation.ending in WITH_A_CLIP:
                self._pending.append(operation)
            self._forget_oldest()
            self._condition.notify_all()
        return operation

    def wait(self, operation: Operation) -> None:
        """Until this one is done, or the stand-in ends."""
        while not self._is_done(operation) and not self._stopped.wait(0.02):
            continue

    def cancel(self, operation: Operation) -> None:
        """Give up a render that is not done; a finished one stays as it is."""
        with self._condition:
            if not self._is_done(operation):
                operation.ending, operation.due = "cancelled", 0
                self._pending = deque(one for one in self._pending if one is not operation)

    def delete(self, operation: Operation) -> None:
        """Forget this one; its file can still be fetched, as with the real service."""
        with self._condition:
            self._operations.pop(operation.name, None)

    def file(self, name: str) -> bytes:
        """The clip of that file id; 404 when there is none, or none yet."""
        with self._condition:
            operation = self._files.get(name)
        if operation is None or not self._has_file(operation):
            raise RefusedError(404, MESSAGES[404])
        return self._clip(operation)

    def find(self, name: Any) -> Operation:
        """The operation of that name; 404 when there is none."""
        with self._condition:
            operation = self._operations.get(name) if isinstance(name, str) else None
        if operation is None:
            raise RefusedError(404, MESSAGES[404])
        return operation

    def body(self, operation: Operation) -> dict[str, Any]:
        """The answer to a poll: running, or done with its ending."""
        if self._is_done(operation):
            return self.ended(operation, operation.ending)
        if operation.asked is not None:
            return gemini_interactions.running(operation.name, operation.asked.model)
        return {"name": operation.name}

    def ended(self, operation: Operation, ending: str) -> dict[str, Any]:
        """The answer to a poll of this one as if it had ended in that way."""
        operation.offered = operation.offered or ending in WITH_A_CLIP
        if operation.asked is None:
            clip = self.clip_base64(operation) if ending in WITH_A_CLIP else ""
            return ended(operation.name, ending, clip)
        video_content = {"type": "video", "mime_type": "video/mp4"}
        if operation.asked.delivery == "uri":
            address = gemini_interactions.ADDRESS.format(file=operation.file)
            video_content |= {"uri": address}
        elif ending in WITH_A_CLIP:
            video_content |= {"data": self.clip_base64(operation)}
        return gemini_interactions.ended(operation.name, operation.asked, ending, video_content)

    def clip_base64(self, operation: Operation) -> str:
        """The finished clip in standard base64."""
        return base64.b64encode(self._clip(operation)).decode()

    def _clip(self, operation: Operation) -> bytes:
        return self._clips.get(operation.render.picture, operation.render.shape)

    def _is_done(self, operation: Operation) -> bool:
        late = time.monotonic() >= operation.due
        return late and (operation.encoded or operation.ending not in WITH_A_CLIP)

    def _has_file(self, operation: Operation) -> bool:
        return operation.ending in WITH_A_CLIP and (operation.offered or self._is_done(operation))

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
            self._files.pop(oldest.file, None)
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


def ended(name: str, ending: str, clip: str) -> dict[str, Any]:
    """A finished operation of Veo, with this clip in base64 or as one of `ENDINGS` says."""
    video_content = {"bytesBase64Encoded": clip, "mimeType": "video/mp4"}
    if ending in ("error", "exhausted"):
        return {"name": name, "done": True, "error": EXHAUSTED if ending == "exhausted" else ERROR}
    if ending == "filtered":
        return done(name, FILTERED)
    if ending == "filtered_and_video":
        return done(name, FILTERED | {"videos": [video_content]})
    bare: dict[str, list[Any]] = {"no_video": [], "blank_video": [{}]}
    videos = bare.get(ending, [video_content])
    whole = done(name, {"raiMediaFilteredCount": 0, "videos": videos})
    if ending == "error_and_video":
        return whole | {"error": ERROR}
    return whole | {"name": f"{name}0"} if ending == "other_name" else whole


def by_address(body: dict[str, Any], file: str) -> dict[str, Any]:
    """The answer of Veo as the developer API words it: its video is a file with that id."""
    response = body.get("response")
    if response is None:
        return body
    said: dict[str, Any] = {name: response[name] for name in FILTERED if response.get(name)}
    if "videos" in response:
        offered = {"video": {"uri": gemini_interactions.ADDRESS.format(file=file)}}
        said["generatedSamples"] = [offered if video else {} for video in response["videos"]]
    return body | {"response": {"generateVideoResponse": said}}


def nothing(operation: Operation) -> dict[str, Any]:
    """What a poll says that has nothing to say: done without any result, or not even that."""
    return {} if operation.asked else {"name": operation.name, "done": True}
