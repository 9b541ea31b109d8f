"""The project's Celery app with a trap set: `celery -A tests.crash.trapped worker`.

The first process that is to do tasks dies as told; those that take its place are free of the trap.
"""

import os
from pathlib import Path

from celery import signals

from shortsproject.celery import app

__all__ = ["app"]


@signals.worker_process_init.connect
def set_trap(**kwargs: object) -> None:
    """Set the trap once. With the pool `solo` this is the whole worker."""
    try:
        Path(os.environ["LOCAL_DIR"], "trapped").touch(exist_ok=False)
    except FileExistsError:
        return
    # It needs Django, which Celery sets up after this module is imported.
    from tests.crash import trap

    point = trap.Point(0, os.environ["CRASH_SIDE"], os.environ["CRASH_EFFECT"])
    trap.install(trap.Trap(point))
