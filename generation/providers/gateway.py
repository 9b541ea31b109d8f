"""The one door to the providers: the same calls, with the same outcomes, on every route.

The pipeline knows the name of a route, never its module, its SDK or its address.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from google import genai

from generation.providers import analysis, certainty, clients, developer, enterprise, routes
from generation.providers.outcomes import (
    AnalysisOutcome,
    DownloadOutcome,
    NotDownloaded,
    PollOutcome,
    SubmitOutcome,
)
from generation.providers.shot import Shot
from metering.types import OpenHold

ANSWER_BYTES = 4 * 1024 * 1024
# A video may come with the answer that says it is done, in base64.
VIDEO_ANSWER_BYTES = 200 * 1024 * 1024


class Videos(Protocol):
    """How a route renders: a module with these functions, of which each makes one HTTP call (a
    download that is redirected: two). They run inside `clients.call`, and what they raise, the
    route turns into an outcome. `VIDEO_BYTES`: the largest file that is fetched.
    """

    VIDEO_BYTES: int

    def can_submit(self) -> bool:
        """Whether the SDK still has the call that begins a render. Nothing is sent."""

    def submit(self, *, shot: Shot) -> SubmitOutcome:
        """Begin a render."""

    def poll(self, *, operation_name: str) -> PollOutcome:
        """Ask once how a render is doing."""

    def download(self, *, file_id: str, target: io.BufferedIOBase) -> DownloadOutcome:
        """Write the file of a finished render to `target`, piece by piece."""


@dataclass(frozen=True)
class Route:
    """A way to Gemini: the client that is asked, and how that way makes videos.

    Each call has a total deadline in seconds, and returns an outcome instead of raising. What costs
    money takes the open hold that pays for it, and refuses to run inside a database transaction,
    which a slow provider would keep open.
    """

    client: Callable[[], genai.Client]
    videos: Videos

    def can_submit(self) -> bool:
        """Whether the SDK still has the call that begins a render. Nothing is sent."""
        return self.videos.can_submit()

    def analyse(
        self,
        *,
        hold: OpenHold,
        picture: bytes,
        mime_type: str,
        wish: str,
        aspect_ratio: str,
        deadline_seconds: float,
    ) -> AnalysisOutcome:
        """Have the hold's model look at the picture and write the prompt for the video."""
        clients.refuse_transaction()
        with clients.call(deadline_seconds=deadline_seconds, most_bytes=ANSWER_BYTES) as call:
            try:
                answer = self.client().models.generate_content(
                    model=hold.line.model,
                    contents=analysis.contents(picture=picture, mime_type=mime_type, wish=wish),
                    config=analysis.config(aspect_ratio=aspect_ratio),
                )
                return analysis.read(answer=answer)
            except Exception as error:
                return certainty.of_spending(error, call)

    def submit(
        self,
        *,
        hold: OpenHold,
        picture: bytes,
        mime_type: str,
        prompt: str,
        aspect_ratio: str,
        deadline_seconds: float,
    ) -> SubmitOutcome:
        """Begin a render of the picture, as long and as fine as the hold's quote line says."""
        shot = Shot(hold, picture, mime_type, prompt, aspect_ratio)
        clients.refuse_transaction()
        with clients.call(deadline_seconds=deadline_seconds, most_bytes=ANSWER_BYTES) as call:
            try:
                return self.videos.submit(shot=shot)
            except Exception as error:
                return certainty.of_spending(error, call)

    def poll(self, *, operation_name: str, deadline_seconds: float) -> PollOutcome:
        """Ask once how a render is doing; when it is done, the answer has its video or names it."""
        with clients.call(deadline_seconds=deadline_seconds, most_bytes=VIDEO_ANSWER_BYTES) as call:
            try:
                return self.videos.poll(operation_name=operation_name)
            except Exception as error:
                return certainty.of_poll(error, call)

    def download(
        self, *, file_id: str, target: io.BufferedIOBase, deadline_seconds: float
    ) -> DownloadOutcome:
        """Write the file of a finished render to `target`, piece by piece."""
        most_bytes = self.videos.VIDEO_BYTES
        with clients.call(deadline_seconds=deadline_seconds, most_bytes=most_bytes):
            try:
                return self.videos.download(file_id=file_id, target=target)
            except Exception as error:
                return NotDownloaded(certainty.describe(error))


_ROUTES = {
    routes.ENTERPRISE: Route(clients.enterprise, enterprise),
    routes.DEVELOPER: Route(clients.developer, developer),
}


def of(name: str) -> Route:
    """The route of this name. KeyError for one that this release does not have."""
    return _ROUTES[name]
