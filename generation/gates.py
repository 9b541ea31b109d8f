"""The gate before each provider model: when it may be asked again, and whether it is closed.

Shared by all workers through PostgreSQL. A model that the provider surely refuses several times in
a row is closed until staff reopen it, before users pay for analyses in vain.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from django.db.models import Case, F, Q, TextChoices, Value, When
from django.db.models.functions import Greatest, Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from generation import catalog
from generation.models import ModelGate, Short, State
from metering import notices

log = structlog.get_logger(__name__)

CLOSES_AFTER = 3


class News(TextChoices):
    """What staff are told of a model."""

    CLOSED = "model_closed", _("model closed to new jobs")


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


def wait(*, route: str, model: str, until: datetime, reason: str = "") -> None:
    """Note that the provider wants no call for this model before `until`, and for staff the
    `reason`, if it is more than a moment.

    A longer wait that another call was told of stands, and so does the reason of a closed model.
    """
    gate, _made = ModelGate.objects.get_or_create(route=route, model=model)
    changes: dict[str, object] = {"not_before": Greatest("not_before", Value(until))}
    if reason:
        closed = When(closed_at__isnull=False, then=F("reason"))
        changes["reason"] = Case(closed, default=Value(reason[:500]))
    ModelGate.objects.filter(pk=gate.pk).update(**changes)


def note_accepted(*, route: str, model: str) -> None:
    """The provider took a call: refusals in a row start over, and so does what staff read of an
    open model, unless it rests. A closed one stays closed until staff have looked."""
    rests = Q(not_before__gt=Now())
    gate = ModelGate.objects.filter(route=route, model=model, closed_at__isnull=True)
    gate.exclude(refusals=0, reason="").update(
        refusals=0, reason=Case(When(rests, then=F("reason")), default=Value(""))
    )


def note_refused(
    *, route: str, model: str, detail: str, at: datetime, for_sure: bool = False
) -> None:
    """The provider refused a call for a reason that is the model's, not the picture's.

    `for_sure`: the next call would be refused too, so that the model is closed by this one.
    """
    gate, _made = ModelGate.objects.get_or_create(route=route, model=model)
    more = CLOSES_AFTER if for_sure else 1
    ModelGate.objects.filter(pk=gate.pk).update(refusals=F("refusals") + more, reason=detail[:500])
    closed = ModelGate.objects.filter(
        pk=gate.pk, refusals__gte=CLOSES_AFTER, closed_at__isnull=True
    ).update(closed_at=at)
    if closed:
        log.error("model closed to new jobs", route=route, model=model, detail=detail)


def tell(*, at: datetime) -> int:
    """Tell staff, once, of each model that refusals have closed. Returns how many were new."""
    closed = ModelGate.objects.filter(closed_at__isnull=False, refusals__gte=CLOSES_AFTER)
    return sum(
        notices.tell_staff(
            jobs={_closing(gate): News.CLOSED},
            page=reverse("admin:generation_modelgate_changelist"),
            at=at,
            template="staff_model",
            about={"model": gate.model, "route": gate.route, "reason": gate.reason},
        )
        for gate in closed
    )


def _closing(gate: ModelGate) -> UUID:
    """An id for this closing of a model, which is no job and has none."""
    return uuid5(NAMESPACE_URL, f"{gate.route}/{gate.model}/{gate.closed_at}")


def close(*, route: str, model: str, reason: str, at: datetime) -> None:
    """Staff close a model: no new jobs, and waiting ones end, until it is reopened."""
    ModelGate.objects.update_or_create(
        route=route, model=model, defaults={"closed_at": at, "reason": reason[:500]}
    )
    _bring_forward(route=route, model=model)
    log.warning("model closed by staff", route=route, model=model, detail=reason)


def reopen(*, route: str, model: str, reason: str = "") -> None:
    """Staff open a model again, with nothing held against it: what waits for it goes on at once."""
    ModelGate.objects.filter(route=route, model=model).update(
        closed_at=None, refusals=0, not_before=None, reason=""
    )
    _bring_forward(route=route, model=model)
    log.info("model reopened by staff", route=route, model=model, detail=reason)


def set_budgets(
    *,
    route: str,
    model: str,
    submits_per_minute: int | None,
    renders_at_once: int | None,
    reason: str,
) -> None:
    """Staff say what a model may be given to do; None is what the settings say."""
    budgets = {"submits_per_minute": submits_per_minute, "renders_at_once": renders_at_once}
    ModelGate.objects.update_or_create(route=route, model=model, defaults=budgets)
    log.info("budgets of a model set by staff", route=route, model=model, detail=reason, **budgets)


def _bring_forward(*, route: str, model: str) -> None:
    """Let the shorts that were put off before this model look at its gate again now.

    Those in line need no more than the next second's look at the line.
    """
    if model == catalog.ANALYSIS_MODEL:
        models = [video.name for video in catalog.MODELS if video.route == route]
        waiting = Short.objects.filter(state=State.QUEUED, model__in=models)
    else:
        waiting = Short.objects.filter(state=State.ANALYZED, model=model)
    waiting.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now(), rung_at=None)
