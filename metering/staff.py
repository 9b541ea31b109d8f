"""What staff may do to a ledger. Each act needs a reason and is one ledger entry.

Each takes a `key`, which the form makes when it is shown: a form that is sent twice is one act, and
the second time gives the first entry. What the ledger refuses is said here in sentences for staff.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from metering import ledger
from metering.models import LedgerEntry, TokenLedger
from metering.types import OpenHold

MOST_TOKENS = 10**15
LONGEST_REASON = 500

BELOW_ZERO = _(
    "Only %(most)s tokens are used in this period, so no more than that can be given back."
)
SENTENCES: dict[str, str | Promise] = {
    "not_a_charge": _("Only a charge can be refunded, and this entry is none."),
    "too_much": _("At most %(most)s tokens of this charge can still be refunded."),
    "below_zero": BELOW_ZERO,
    "open": _("This hold is still open: its job has reported no use, so there is nothing due."),
    "captured": _("This hold was charged meanwhile. Refund its charge instead."),
    "released": _("This hold was given back before, so there is nothing to write off."),
    "written_off": _("This hold was written off before."),
}


class Refused(Exception):
    """A staff act that was not done. `message` says why, and `most_tokens` how much could be."""

    message: str | Promise = ""

    def __init__(self, message: str | Promise = "", *, most_tokens: int | None = None) -> None:
        self.message = message or self.message
        self.most_tokens = most_tokens
        super().__init__(str(self.message))


class ReasonMissing(Refused):
    """A staff act without a reason is refused."""

    message = _("Please give a reason: it is kept in the ledger.")


class TokensNotPositive(Refused):
    """Only 1 token or more can be given."""

    message = _("Give at least 1 token.")


class TokensZero(Refused):
    """A correction by nothing is none."""

    message = _("A correction by 0 tokens changes nothing.")


class TokensTooMany(Refused):
    """More tokens than a ledger can count."""

    message = _("That is more tokens than a ledger takes at once.")


class PeriodUnknown(Refused):
    """A period that ledgers are not counted by."""

    message = _("Tokens are counted by month, week, day or lifetime.")


class KeyUsed(Refused):
    """The form's key belongs to another act."""

    message = _("This form was used for something else before. Open it again.")


KINDS = {"no_reason": ReasonMissing, "not_positive": TokensNotPositive, "zero": TokensZero}


def set_limit(  # noqa: PLR0913 - what is asked for, who, why, when, and that it is done once
    *,
    user: User,
    tokens: int | None,
    actor: User | None,
    reason: str,
    at: datetime,
    max_in_flight: int | None = None,
    key: UUID | None = None,
) -> int:
    """Set a user's tokens per period (None = unlimited); returns the entry's id.

    Another number of jobs in flight is written into the reason, where the entry shows it. Raises
    ReasonMissing, and ValueError for a negative limit.
    """
    _check_reason(reason)
    if tokens is not None and tokens < 0:
        raise ValueError("A limit is 0 or more tokens, or unlimited.")
    with transaction.atomic():
        before = _locked(user).max_in_flight if max_in_flight is not None else None
        changed = f"in flight: {before} → {max_in_flight}" if before != max_in_flight else ""
        return ledger.set_limit(
            user=user,
            tokens=tokens,
            max_in_flight=max_in_flight,
            actor=actor,
            reason=_with_note(reason, changed),
            key=_key("limit", key),
            at=at,
        )


def refund(
    *,
    entry_id: int,
    tokens: int,
    actor: User | None,
    reason: str,
    at: datetime,
    key: UUID | None = None,
) -> int:
    """Give back part or all of a charge, to the period of that charge. Returns the entry's id.

    Raises ReasonMissing, TokensNotPositive, TokensTooMany, and Refused where less is left.
    """
    _check_size(tokens)
    with _in_sentences():
        return ledger.refund(
            entry=entry_id, tokens=tokens, actor=actor, reason=reason.strip(),
            key=_key("refund", key), at=at,
        )  # fmt: skip


def grant(
    *, user: User, tokens: int, actor: User | None, reason: str, at: datetime,
    key: UUID | None = None,
) -> int:  # fmt: skip
    """Give a user extra tokens for the current period. Returns the entry's id.

    Raises ReasonMissing, TokensNotPositive and TokensTooMany.
    """
    _check_size(tokens)
    with _in_sentences():
        return ledger.grant(
            user=user, tokens=tokens, actor=actor, reason=reason.strip(),
            key=_key("grant", key), at=at,
        )  # fmt: skip


def adjust(
    *, user: User, tokens: int, actor: User | None, reason: str, at: datetime,
    key: UUID | None = None,
) -> int:  # fmt: skip
    """Correct what a user has used this period, up or down. Returns the entry's id.

    Raises ReasonMissing, TokensZero, TokensTooMany, and Refused where less is used.
    """
    _check_size(tokens)
    with _in_sentences():
        return ledger.adjust(
            user=user, tokens=tokens, actor=actor, reason=reason.strip(),
            key=_key("adjust", key), at=at,
        )  # fmt: skip


def suspend(
    *, user: User, actor: User | None, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """Stop a user's new holds, and nothing else. Returns the entry's id. Raises ReasonMissing."""
    return _suspend(user=user, suspended=True, actor=actor, reason=reason, at=at, key=key)


def resume(
    *, user: User, actor: User | None, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """Let a user make new holds again. Returns the entry's id. Raises ReasonMissing."""
    return _suspend(user=user, suspended=False, actor=actor, reason=reason, at=at, key=key)


def write_off(
    *, hold: OpenHold, actor: User | None, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """Close a due hold that can't be charged and give its tokens back. Returns the entry's id.

    Raises ReasonMissing, and Refused where the hold is not due.
    """
    with _in_sentences():
        return ledger.write_off(
            hold=hold, actor=actor, reason=reason.strip(), key=_key("write_off", key), at=at
        )


def resolve(
    *, hold: OpenHold, actor: User | None, reason: str, at: datetime, key: UUID | None = None
) -> int:
    """Keep what was decided about a leg whose outcome nobody could learn. Returns the entry's id.

    Moves no tokens: that is up to the transaction that moves the job. Raises ReasonMissing.
    """
    with _in_sentences():
        return ledger.resolve(
            hold=hold, actor=actor, reason=reason.strip(), key=_key("resolve", key), at=at
        )


def resolved(*, key: UUID | None) -> int | None:
    """The id of the resolution that the form with this key has made; None if there is none yet."""
    if key is None:
        return None
    made = LedgerEntry.objects.filter(key=_key("resolve", key))
    return made.values_list("id", flat=True).first()


def set_period(
    *, user: User, period: str, actor: User | None, reason: str, at: datetime,
    key: UUID | None = None,
) -> int:  # fmt: skip
    """Count a user's tokens by `month`, `week`, `day` or `lifetime`. Returns the entry's id.

    A shorter period starts at once, a longer one at its next boundary. The reason shows the change.
    Raises ReasonMissing and PeriodUnknown.
    """
    _check_reason(reason)
    if period not in TokenLedger.Period.values:
        raise PeriodUnknown
    with _in_sentences(), transaction.atomic():
        note = f"period: {_locked(user).period} → {period}"
        return ledger.set_period(
            user=user, period=period, actor=actor, reason=_with_note(reason, note),
            key=_key("period", key), at=at,
        )  # fmt: skip


def _suspend(*, suspended: bool, reason: str, key: UUID | None, **whom: Any) -> int:
    _check_reason(reason)
    note = "suspended" if suspended else "resumed"
    with _in_sentences():
        return ledger.suspend(
            suspended=suspended, reason=_with_note(reason, note), key=_key(note, key), **whom
        )


@contextmanager
def _in_sentences() -> Iterator[None]:
    """What the ledger refuses, said to staff."""
    try:
        yield
    except ledger.KeyConflict as error:
        raise KeyUsed from error
    except ledger.Refused as error:
        if error.outcome in KINDS:
            raise KINDS[error.outcome] from error
        sentence = SENTENCES[error.outcome] % {"most": error.most_tokens}
        raise Refused(sentence, most_tokens=error.most_tokens) from error


def _locked(user: User) -> TokenLedger:
    """The user's ledger, which nobody else changes until this transaction ends."""
    return TokenLedger.objects.select_for_update(no_key=True).get(user=user)


def _with_note(reason: str, note: str) -> str:
    """The reason, and in brackets what the entry's figures do not tell; cut to what fits."""
    ending = f" [{note}]" if note else ""
    return reason.strip()[: LONGEST_REASON - len(ending)] + ending


def _key(act: str, key: UUID | None) -> str:
    return f"{act}:{key or uuid4()}"


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing


def _check_size(tokens: int) -> None:
    if abs(tokens) > MOST_TOKENS:
        raise TokensTooMany
