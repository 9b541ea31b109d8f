"""Ring again for whatever is due: a lost bell, a dead worker, an emptied broker only cost time."""

from datetime import datetime, timedelta

from generation import states
from generation.pipeline import bell

AGAIN_AFTER = timedelta(minutes=1)
BATCH = 500


def ring_due(*, at: datetime) -> int:
    """Ring for the shorts whose next step is due. Returns for how many."""
    ids = states.ring(at=at, most=BATCH, again_after=AGAIN_AFTER)
    for short_id in ids:
        bell.ring_now(short_id=short_id)
    return len(ids)
