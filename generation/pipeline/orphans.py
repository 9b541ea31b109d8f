"""Remove files that no short refers to: what a process left behind that died between storing a file
and writing its row, or between forgetting a file and removing it.

Owns nothing but such files. A file bears the id of its one short in its name, so that each batch of
names is one query by primary key. Invariant: a file that a row refers to is never removed, nor one
that is younger than a day, whose row a request may be about to commit, nor one that is not ours.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

import structlog

from generation import files
from generation.models import Short

log = structlog.get_logger(__name__)

LEAST_AGE = timedelta(days=1)
BATCH = 500
_OURS = re.compile(r"(?:pictures|videos)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b.*")


def remove(*, at: datetime) -> int:
    """Look at every stored file once, as long as the storage lists them. Returns how many were
    removed."""
    removed = 0
    try:
        for names in _batches():
            removed += _remove(names=names, at=at)
    except files.Unavailable as error:
        log.warning("the search for files without a short broke off", error=str(error))
    log.info("files without a short are removed", count=removed)
    return removed


def _batches() -> Iterator[list[str]]:
    names = files.names()
    while batch := list(islice(names, BATCH)):
        yield batch


def _remove(*, names: Sequence[str], at: datetime) -> int:
    ours = {name: UUID(found[1]) for name in names if (found := _OURS.fullmatch(name))}
    rows = Short.objects.filter(pk__in=set(ours.values())).values_list("picture", "video")
    referred = {name for row in rows for name in row}
    return sum(_remove_old(name=name, at=at) for name in ours if name not in referred)


def _remove_old(*, name: str, at: datetime) -> bool:
    """Whether the file was old enough and is gone. One that stays is tried again tomorrow."""
    try:
        if at - files.stored_at(name) < LEAST_AGE:
            return False
        files.delete(name)
    except FileNotFoundError:
        return False
    except files.Unavailable as error:
        log.warning("a file could not be removed", name=name, error=str(error))
        return False
    return True
