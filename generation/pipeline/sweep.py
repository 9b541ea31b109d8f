"""Ring again for whatever is due: a lost bell, a dead worker, an emptied broker only cost time.

Here, too, the line before each video model moves up: nobody rings for it when a render ends.
"""

from datetime import datetime, timedelta

from generation import states, turns
from generation.pipeline import bell

AGAIN_AFTER = timedelta(minutes=1)
BATCH = 500


def ring_due(*, at: datetime) -> int:
    """Ring for the shorts whose next step is due or whose turn has come. Returns for how many.

    As many statements whatever waits.
    """
    up_next = turns.next_up(at=at, most=BATCH)
    ids = states.ring(at=at, most=BATCH, again_after=AGAIN_AFTER, up_next=up_next)
    for short_id in ids:
        bell.ring_now(short_id=short_id)
    return len(ids)
