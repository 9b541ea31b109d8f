"""How far along a short is, in percent, for those who draw a bar of it."""

from datetime import datetime

from generation import estimates
from generation.models import Short, State

# Where a state begins. A render goes on from there by time, and never beyond RENDERING_UP_TO.
PERCENT = {
    State.QUEUED: 0,
    State.ANALYZING: 5,
    State.ANALYZED: 20,
    State.SUBMITTING: 25,
    State.SUBMIT_UNKNOWN: 30,
    State.RENDERING: 30,
    State.RENDERED: 95,
    State.SUCCEEDED: 100,
    State.FILTERED: 100,
    State.FAILED: 100,
    State.LOST: 100,
    State.CANCELED: 100,
}
RENDERING_UP_TO = 90


def percent(*, short: Short, at: datetime) -> int:
    """From 0 to 100. A render moves with the time that nine of ten of this system's last ones took
    at most, and stands still while there are too few of them to tell.

    One query at most, and that only for a render.
    """
    base = PERCENT[State(short.state)]
    if short.state != State.RENDERING or short.submitted_at is None:
        return base
    estimate = estimates.of_render(
        model=short.model, seconds=short.seconds, resolution=short.resolution
    )
    if not estimate or not estimate.longest:
        return base
    share = (at - short.submitted_at) / estimate.longest
    return base + int(min(max(share, 0), 1) * (RENDERING_UP_TO - base))
