"""A new short from the picture of one that has ended, with options changed or not.

Owns: which analysis is used again. Units: tokens.
Invariant: a new job with a quote and holds of its own. The analysis is left out of them only if it
would be asked the same question: same picture, wish and analysis model, and if its first answer was
usable and paid for. The picture is copied, so that each short owns its files.
"""

import hashlib
from datetime import datetime

from accounts.models import User
from generation import catalog, files
from generation.models import Short
from generation.pictures import PreparedPicture
from generation.pipeline import start
from generation.pipeline.start import Analysis, Order, Started
from metering import receipts

PAID = ("due", "captured")


class NotFinished(Exception):
    """The short is still under way. `state` says where it stands."""

    code = "not_finished"

    def __init__(self, *, state: str) -> None:
        super().__init__(f"A short can't be made again while it is {state}.")
        self.state = state


def run(*, user: User, source: Short, order: Order, at: datetime) -> Started:
    """Begin a short from the picture of another, or refuse and leave nothing behind.

    Raises NotFinished, Short.DoesNotExist for one that was deleted meanwhile, and what start.run
    and start.repeated raise.
    """
    before = start.repeated(user=user, order=order)
    if before is not None:
        return before
    if not source.is_final:
        raise NotFinished(state=source.state)
    picture = _picture(source)
    analysis = reusable(source=source, wish=order.wish)
    return start.run(user=user, picture=picture, order=order, at=at, analysis=analysis)


def reusable(*, source: Short, wish: str) -> Analysis | None:
    """The analysis of a short, if this wish needs no new one. Two queries at most.

    A prompt that is nothing but the wish stands for an analysis that was of no use.
    """
    if wish != source.wish or source.video_prompt in ("", source.wish):
        return None
    first = source.analysis_of_id or source.pk
    paid = any(
        (leg.api_type, leg.model) == (catalog.ANALYSIS_API_TYPE, catalog.ANALYSIS_MODEL)
        and leg.state in PAID
        and not leg.refunded_tokens
        for leg in receipts.receipt(job_id=first).legs
    )
    if not paid:
        return None
    return Analysis(
        short_id=first,
        video_prompt=source.video_prompt,
        seen=source.seen,
        warning=source.warning,
    )


def _picture(source: Short) -> PreparedPicture:
    try:
        data = files.read(source.picture)
    except (FileNotFoundError, ValueError) as error:
        raise Short.DoesNotExist(str(source.pk)) from error
    return PreparedPicture(
        data=data,
        mime_type="image/jpeg",
        width=source.picture_width,
        height=source.picture_height,
        sha256=hashlib.sha256(data).hexdigest(),
    )
