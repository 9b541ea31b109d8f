"""The owner calls a short off, which works until it is handed to the video model.

Owns: queued or analyzed → canceled, and analyzing → canceled once the answer is recorded.
Invariant: either the cancel or the claim of the next step wins, never both, because both change
the short's row; who comes second finds it changed. What was spent stays charged, the rest is given
back in the transaction that ends the short. Lock order: Short, TokenLedger.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce

from generation import states
from generation.models import Short, State
from generation.pipeline import recording
from metering import backlog
from metering.types import OpenHold

IDLE = (State.QUEUED, State.ANALYZED)


class NotCancelable(Exception):
    """The short is with the video model, or has ended. `state` says where it stands."""

    code = "not_cancelable"

    def __init__(self, *, state: str) -> None:
        super().__init__(f"A short can't be canceled while it is {state}.")
        self.state = state


def run(*, short_id: UUID, at: datetime) -> None:
    """Cancel a short, or ask for it while its picture is looked at; twice is once.

    Raises NotCancelable, and Short.DoesNotExist.
    """
    due = None
    with transaction.atomic(durable=True):
        short = Short.objects.select_for_update(no_key=True).get(pk=short_id)
        if short.state in IDLE:
            due = end(short=short, at=at)
        elif short.state == State.ANALYZING:
            asked = Coalesce("cancel_requested_at", at)
            Short.objects.filter(pk=short_id).update(cancel_requested_at=asked)
        elif short.state != State.CANCELED:
            raise NotCancelable(state=short.state)
    if due is not None:
        backlog.charge_now(hold=due, at=at)


def is_asked(short: Short) -> bool:
    """Whether the owner wants nothing more to be done for a short."""
    return short.cancel_requested_at is not None or short.deleted_at is not None


def end(*, short: Short, at: datetime) -> OpenHold | None:
    """End a short whose row this transaction has locked and give back what it holds. The last thing
    in the transaction.

    What is to be paid all the same is returned, to be charged after the commit.
    """
    # An attempt of its own, for each leaves one event.
    attempt = short.attempt + 1
    states.record(
        short=short,
        source=(*IDLE, State.ANALYZING),
        target=State.CANCELED,
        at=at,
        attempt=attempt,
    )
    short.attempt = attempt
    return recording.release_all(short=short, reason="canceled", at=at)
