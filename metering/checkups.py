"""The scheduled proof of the ledger: what `verify_ledger` would say, kept for staff and the log."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice

import structlog

from metering import audit
from metering.models import LedgerCheck

KEPT_FINDINGS = 20
NIGHTLY = timedelta(hours=26)

log = structlog.get_logger(__name__)


def run(*, now: Callable[[], datetime], extra: Sequence[audit.Invariant] = ()) -> LedgerCheck:
    """Prove the ledger from one snapshot and store the result; wrong books are an error in the log.

    Findings are counted as they come: only the first are kept, however many there are.
    """
    started_at = now()
    with audit.snapshot():
        found = audit.findings(extra=extra)
        first = list(islice(found, KEPT_FINDINGS))
        count = len(first) + sum(1 for _ in found)
    text = "\n".join(f"{one.invariant}: user {one.user_id}: {one.detail}" for one in first)
    if count:
        log.error("the ledger is wrong", findings=count, first=text.partition("\n")[0])
    return LedgerCheck.objects.create(
        started_at=started_at, finished_at=now(), ok=not count, findings=count, first_findings=text
    )


def last() -> LedgerCheck | None:
    """The newest run, if there ever was one."""
    return LedgerCheck.objects.order_by("-id").first()


def is_overdue(check: LedgerCheck, *, at: datetime) -> bool:
    """Whether a night has gone by since without another run."""
    return at - check.finished_at > NIGHTLY
