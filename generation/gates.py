"""The gate before each provider model: when it may be asked again, and whether it is closed.

Shared by all workers through PostgreSQL. A model that the provider surely refuses several times in
a row is closed until staff reopen it, before users pay for analyses in vain.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db.models import F, Value
from django.db.models.functions import Greatest

from generation.models import ModelGate

log = structlog.get_logger(__name__)

CLOSES_AFTER = 3


class ModelClosed(Exception):
    """The model takes no new jobs until staff reopen it."""

    code = "model_closed"

    def __init__(self, *, model: str) -> None:
        super().__init__(f"{model} is closed.")
        self.model = model


def check_open(*, route: str, models: Sequence[str]) -> None:
    """Raise ModelClosed if one of these models is closed."""
    closed = ModelGate.objects.filter(
        route=route, model__in=models, closed_at__isnull=False
    ).first()
    if closed is not None:
        raise ModelClosed(model=closed.model)


def not_before(*, route: str, model: str) -> datetime | None:
    """The instant before which the provider does not want to be asked, if it named one."""
    gate = ModelGate.objects.filter(route=route, model=model).first()
    return gate.not_before if gate else None


def closed_models() -> set[tuple[str, str]]:
    """All closed models, as (route, model)."""
    return set(ModelGate.objects.filter(closed_at__isnull=False).values_list("route", "model"))


def wait(*, route: str, model: str, until: datetime) -> None:
    """Note that the provider wants no call for this model before `until`.

    A longer wait that another call was told of stands.
    """
    gate, _ = ModelGate.objects.get_or_create(route=route, model=model)
    longest = Greatest("not_before", Value(until))
    ModelGate.objects.filter(pk=gate.pk).update(not_before=longest)


def note_accepted(*, route: str, model: str) -> None:
    """The provider took a call: refusals in a row start over."""
    ModelGate.objects.filter(route=route, model=model, refusals__gt=0).update(refusals=0)


def note_refused(*, route: str, model: str, detail: str, at: datetime) -> None:
    """The provider refused a call for a reason that is the model's, not the picture's."""
    gate, _ = ModelGate.objects.get_or_create(route=route, model=model)
    ModelGate.objects.filter(pk=gate.pk).update(refusals=F("refusals") + 1, reason=detail[:500])
    closed = ModelGate.objects.filter(
        pk=gate.pk, refusals__gte=CLOSES_AFTER, closed_at__isnull=True
    ).update(closed_at=at)
    if closed:
        log.error("model closed to new jobs", route=route, model=model, detail=detail)


def close(*, route: str, model: str, reason: str, at: datetime) -> None:
    """Staff close a model: no new jobs, and waiting ones end, until it is reopened."""
    ModelGate.objects.update_or_create(
        route=route, model=model, defaults={"closed_at": at, "reason": reason[:500]}
    )
    log.warning("model closed by staff", route=route, model=model, detail=reason)


def reopen(*, route: str, model: str) -> None:
    """Staff open a model again, with nothing held against it."""
    ModelGate.objects.filter(route=route, model=model).update(
        closed_at=None, refusals=0, not_before=None, reason=""
    )
    log.info("model reopened by staff", route=route, model=model)
