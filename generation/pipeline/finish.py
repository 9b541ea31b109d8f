"""Store the video that was made and charged.

Owns: rendered → succeeded or lost. Charges nothing.
Invariant: a short is `succeeded` only if its file is whole and in the storage, or if its owner has
deleted it and wants none. A file that can't be fetched or stored is tried again until the
provider's result is gone. A video goes through a temporary file, which is checked before it is
stored, so what was cut off leaves nothing; one that came whole into memory is written alone.
"""

import contextlib
import io
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from generation import catalog, files, mp4, states
from generation.models import Short, State
from generation.pipeline import claims, recording
from generation.providers import gateway
from generation.providers.outcomes import NotDownloaded, VideoReady

log = structlog.get_logger(__name__)

DEADLINE_SECONDS = 120.0
LEASE = timedelta(seconds=180)
RESULT_LIFE = timedelta(hours=48)
LONGEST_PAUSE = timedelta(minutes=10)

_writing = threading.Lock()


def run(*, short_id: UUID, now: recording.Clock, ready: VideoReady | None = None) -> bool:
    """Fetch, check and store one short's video. Never goes on at once.

    `ready` is what the provider has just said of it; without, the provider is asked again.
    """
    try:
        short = claims.free(short_id=short_id, state=State.RENDERED, lease=LEASE)
    except states.NotClaimable:
        return False
    if short.deleted_at is not None:
        recording.durably(
            short=short, now=now, write=lambda: _succeed(short=short, name="", size=None, at=now())
        )
        return False
    try:
        with _fetched(short=short, ready=ready) as video:
            size = mp4.check(video)
            name = files.save_video(short_id=short.pk, attempt=short.attempt, video=video)
    except (mp4.Broken, NotFetched, OSError) as error:
        _try_later(short=short, detail=f"{type(error).__name__}: {error}", now=now)
        return False
    recording.durably(
        short=short,
        now=now,
        write=lambda: _succeed(short=short, name=name, size=size, at=now()),
    )
    # Late, or deleted meanwhile.
    if not Short.objects.filter(pk=short.pk, video=name).exists():
        files.discard(name)
    return False


def _succeed(*, short: Short, name: str, size: int | None, at: datetime) -> None:
    """End the short with its video, of `size` bytes, or with none if it was deleted meanwhile."""
    row = Short.objects.select_for_update(no_key=True).only("deleted_at").get(pk=short.pk)
    kept = row.deleted_at is None
    states.record(
        short=short,
        source=State.RENDERED,
        target=State.SUCCEEDED,
        at=at,
        video=name if kept else "",
        video_bytes=size if kept else None,
        end_detail="",
    )


class NotFetched(Exception):
    """The provider did not hand the video over this time."""


@contextlib.contextmanager
def _fetched(*, short: Short, ready: VideoReady | None) -> Iterator[io.BufferedRandom]:
    """The video in a temporary file, which is gone afterwards. Raises NotFetched and OSError."""
    ends_at = time.monotonic() + DEADLINE_SECONDS
    route = gateway.of(catalog.route_of(short.model))
    if ready is None:
        said = route.poll(operation_name=short.operation_name, deadline_seconds=DEADLINE_SECONDS)
        if not isinstance(said, VideoReady):
            raise NotFetched(type(said).__name__)
        ready = said
    with tempfile.TemporaryFile() as target:
        if ready.video is not None:
            with _writing:
                target.write(ready.video)
                yield target
            return
        outcome = route.download(
            file_id=ready.file_id, target=target, deadline_seconds=ends_at - time.monotonic()
        )
        if isinstance(outcome, NotDownloaded):
            raise NotFetched(outcome.detail)
        yield target


def _try_later(*, short: Short, detail: str, now: recording.Clock) -> None:
    at = now()
    lost = short.rendered_at is not None and at - short.rendered_at > RESULT_LIFE
    log.error("a video could not be stored", job_id=str(short.pk), detail=detail, lost=lost)
    pause = min(timedelta(seconds=2) * 2 ** min(short.tries, 12), LONGEST_PAUSE)
    recording.durably(
        short=short,
        now=now,
        write=lambda: states.record(
            short=short,
            source=State.RENDERED,
            target=State.LOST if lost else State.RENDERED,
            at=at,
            end_code="lost" if lost else "",
            end_detail=detail[:500],
            **({} if lost else {"next_attempt_at": at + pause}),
        ),
    )
