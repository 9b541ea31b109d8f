"""The one door to the providers: the same calls, with the same outcomes, on every route.

The pipeline knows the name of a route, never its module, its SDK or its address.
"""

import io
from typing import Protocol

from generation.providers import developer, enterprise, routes
from generation.providers.outcomes import (
    AnalysisOutcome,
    DownloadOutcome,
    PollOutcome,
    SubmitOutcome,
)
from metering.types import OpenHold


class Route(Protocol):
    """A way to Gemini: a module with these functions.

    Each makes one HTTP call (a download that is redirected: two), with a total deadline in seconds,
    and returns an outcome instead of raising. What costs money takes the open hold that pays for
    it, and refuses to run inside a database transaction, which a slow provider would keep open.
    """

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

    def poll(self, *, operation_name: str, deadline_seconds: float) -> PollOutcome:
        """Ask once how a render is doing."""

    def download(
        self, *, file_id: str, target: io.BufferedIOBase, deadline_seconds: float
    ) -> DownloadOutcome:
        """Write the file of a finished render to `target`, piece by piece."""


_ENTERPRISE: Route = enterprise
_DEVELOPER: Route = developer
_ROUTES = {routes.ENTERPRISE: _ENTERPRISE, routes.DEVELOPER: _DEVELOPER}


def of(name: str) -> Route:
    """The route of this name. KeyError for one that this release does not have."""
    return _ROUTES[name]
