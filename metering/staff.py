"""What staff may do to a ledger. Each act needs a reason and is a ledger entry."""

from datetime import datetime
from uuid import uuid4

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from metering import ledger


class ReasonMissing(Exception):
    """A staff act without a reason is refused."""

    message = _("Please give a reason: it is kept in the ledger.")


def set_limit(
    *,
    user: User,
    tokens: int | None,
    actor: User | None,
    reason: str,
    at: datetime,
    max_in_flight: int | None = None,
) -> int:
    """Set a user's tokens per period (None = unlimited); returns the entry's id.

    Raises ReasonMissing, and ValueError for a negative limit.
    """
    if not reason.strip():
        raise ReasonMissing
    if tokens is not None and tokens < 0:
        raise ValueError("A limit is 0 or more tokens, or unlimited.")
    return ledger.set_limit(
        user=user,
        tokens=tokens,
        max_in_flight=max_in_flight,
        actor=actor,
        reason=reason.strip(),
        key=f"limit:{uuid4()}",
        at=at,
    )
