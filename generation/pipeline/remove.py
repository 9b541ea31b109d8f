"""The owner deletes a short: it is hidden at once, and nothing of theirs is kept once it has ended.

Owns: `Short.deleted_at`, and the end of a short's files. Before the submit a delete cancels; later
the short runs on to its charge unseen and keeps no video. Its row and the ledger's stay.
Invariant: the row forgets a file in the transaction that decides so, and the file is removed once
that has committed. A file that a dying worker leaves behind is one that no row names.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from generation import files, states
from generation.models import Short, State
from generation.pipeline import cancel
from metering import backlog

# A worker may be about to send the picture and the words.
NEEDED = (State.ANALYZING, State.SUBMITTING)


def run(*, short_id: UUID, at: datetime) -> None:
    """Delete a short, whatever it is doing; twice is once. Raises Short.DoesNotExist."""
    due = None
    with transaction.atomic(durable=True):
        short = Short.objects.select_for_update(no_key=True).get(pk=short_id)
        if short.deleted_at is not None:
            return
        Short.objects.filter(pk=short_id).update(deleted_at=at, **_forgotten(short))
        if short.state not in NEEDED:
            _drop(short.picture)
            _drop(short.video)
        if short.state in cancel.IDLE:
            due = cancel.end(short=short, at=at)
    if due is not None:
        backlog.charge_now(hold=due, at=at)


def carry_out(*, short: Short, at: datetime) -> None:
    """Do what the owner asked for while a provider was called for this claim of a short. The last
    thing in the transaction that records the answer, which has locked the row."""
    asked = Q(cancel_requested_at__isnull=False) | Q(deleted_at__isnull=False)
    stands = Short.objects.filter(asked, pk=short.pk, attempt=short.attempt).first()
    if stands is None:
        return
    if stands.deleted_at is not None:
        Short.objects.filter(pk=short.pk).update(**dict.fromkeys(states.FORGOTTEN, ""))
        _drop(short.picture)
    if stands.state in (*cancel.IDLE, State.ANALYZING):
        cancel.end(short=stands, at=at)


def _forgotten(short: Short) -> dict[str, str]:
    """The fields to empty at once; those of a call that is under way, once it is answered."""
    return {} if short.state in NEEDED else dict.fromkeys((*states.FORGOTTEN, "video"), "")


def _drop(name: str) -> None:
    """Remove a file once the transaction has committed. A storage that is away is no error here."""
    if name:
        transaction.on_commit(lambda: files.discard(name), robust=True)
