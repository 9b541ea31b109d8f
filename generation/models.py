"""A Short: one picture on its way to becoming one video, and the gate before each model."""

from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def new_id() -> UUID:
    """A time-ordered UUID (version 7, RFC 9562), so that new rows lie together in an index."""
    return uuid_utils.compat.uuid7()


class State(models.TextChoices):
    """Where a short stands. What moves it from one to the next stands in `states.py`."""

    QUEUED = "queued", _("queued")
    ANALYZING = "analyzing", _("looking at the picture")
    ANALYZED = "analyzed", _("prompt written")
    SUBMITTING = "submitting", _("handing over to the renderer")
    SUBMIT_UNKNOWN = "submit_unknown", _("waiting for certainty")
    RENDERING = "rendering", _("rendering")
    RENDERED = "rendered", _("fetching the video")
    SUCCEEDED = "succeeded", _("ready")
    FILTERED = "filtered", _("held back by the safety filter")
    FAILED = "failed", _("failed")
    LOST = "lost", _("lost")
    CANCELED = "canceled", _("canceled")


FINAL = (State.SUCCEEDED, State.FILTERED, State.FAILED, State.LOST, State.CANCELED)
MOVING = (
    State.QUEUED,
    State.ANALYZING,
    State.ANALYZED,
    State.SUBMITTING,
    State.RENDERING,
    State.RENDERED,
)

# Where a short may be one of the renders that its model has to do at once.
PERHAPS_BUSY = (State.SUBMITTING, State.SUBMIT_UNKNOWN, State.RENDERING)

# Where a short may come to need a person.
PERHAPS_UNSETTLED = (State.SUBMIT_UNKNOWN, State.RENDERING, State.RENDERED, State.LOST)


class Short(models.Model):
    """One picture, the choices made for it, where it stands and what is to be done next.

    `attempt` numbers the claims: only the record of the newest claim counts. `lease_until` is how
    long that claim lasts. `next_attempt_at` is when the next step is due, `rung_at` when a worker
    was last told; an analyzed short without `next_attempt_at` is in line for its submit.
    `submitted_at` is when the answer to a submit came that the provider may have counted. `tries`
    counts the claims of the present step, `unclear_answers` the analysis calls that may have been
    paid for without a usable answer, `unread_answers` those among them that were surely answered.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="shorts",
        db_index=False,
        verbose_name=_("user"),
    )
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.QUEUED)

    picture = models.CharField(_("picture"), max_length=200)
    picture_width = models.PositiveIntegerField(_("picture width, pixels"))
    picture_height = models.PositiveIntegerField(_("picture height, pixels"))
    wish = models.TextField(_("wish"), blank=True, default="")
    model = models.CharField(_("model"), max_length=100)
    seconds = models.PositiveSmallIntegerField(_("seconds"))
    resolution = models.CharField(_("resolution"), max_length=16)
    aspect_ratio = models.CharField(_("aspect ratio"), max_length=8)

    seen = models.TextField(_("what was seen"), default="")
    video_prompt = models.TextField(_("video prompt"), default="")
    warning = models.TextField(_("warning"), default="")
    operation_name = models.CharField(_("operation"), max_length=500, default="")
    video = models.CharField(_("video"), max_length=200, default="")
    video_bytes = models.BigIntegerField(_("video size, bytes"), null=True)

    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    tries = models.PositiveIntegerField(_("tries of this step"), default=0)
    unclear_answers = models.PositiveIntegerField(_("unclear answers"), default=0)
    unread_answers = models.PositiveIntegerField(_("unread answers"), default=0)
    lease_until = models.DateTimeField(_("lease until"), null=True)
    next_attempt_at = models.DateTimeField(_("next step at"), null=True)
    rung_at = models.DateTimeField(_("rung at"), null=True)
    overdue_at = models.DateTimeField(_("overdue since"), null=True)
    cancel_requested_at = models.DateTimeField(_("cancel requested at"), null=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True)

    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique if given
    request_hash = models.CharField(max_length=64, default="")
    analysis_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    end_code = models.CharField(_("why it ended"), max_length=32, default="")
    end_detail = models.CharField(_("detail for staff"), max_length=500, default="")
    created_at = models.DateTimeField(_("created at"))
    analysis_began_at = models.DateTimeField(_("analysis began at"), null=True)
    analyzed_at = models.DateTimeField(_("prompt written at"), null=True)
    submitted_at = models.DateTimeField(_("submitted at"), null=True)
    rendered_at = models.DateTimeField(_("rendered at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("short")
        verbose_name_plural = _("shorts")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], name="short_idempotency_key_unique"
            ),
            models.CheckConstraint(
                condition=Q(state__in=FINAL, finished_at__isnull=False)
                | (~Q(state__in=FINAL) & Q(finished_at__isnull=True)),
                name="short_final_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["rendering", "rendered"]) | ~Q(operation_name=""),
                name="short_rendering_has_operation",
            ),
            models.CheckConstraint(
                condition=~Q(state="succeeded") | ~Q(video="") | Q(deleted_at__isnull=False),
                name="short_succeeded_has_video",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="short_newest_of_user"),
            models.Index(
                fields=["next_attempt_at"], condition=Q(state__in=MOVING), name="short_due"
            ),
            models.Index(
                fields=["state"], condition=Q(state__in=PERHAPS_UNSETTLED), name="short_unsettled"
            ),
            models.Index(
                fields=["model", "-rendered_at"],
                condition=Q(rendered_at__isnull=False),
                name="short_renders_of_model",
            ),
            models.Index(
                fields=["model", "user", "created_at", "id"],
                condition=Q(state=State.ANALYZED),
                name="short_waiting",
            ),
            models.Index(
                fields=["model", "user"], condition=Q(state__in=PERHAPS_BUSY), name="short_busy"
            ),
            models.Index(
                fields=["model", "submitted_at"],
                condition=Q(submitted_at__isnull=False),
                name="short_submits",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL


class ModelGate(models.Model):
    """What is known about a provider's model: when it may be asked again, whether it is closed, and
    what it may be given to do. A budget that is null is that of the settings."""

    route = models.CharField(_("route"), max_length=16)
    model = models.CharField(_("model"), max_length=100)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    refusals = models.PositiveIntegerField(_("refusals in a row"), default=0)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    submits_per_minute = models.PositiveIntegerField(_("submits per minute"), null=True, blank=True)
    renders_at_once = models.PositiveIntegerField(_("renders at once"), null=True, blank=True)

    class Meta:
        verbose_name = _("model gate")
        verbose_name_plural = _("model gates")
        constraints = [
            models.UniqueConstraint(fields=["route", "model"], name="model_gate_unique"),
            models.CheckConstraint(
                condition=Q(submits_per_minute__gt=0), name="model_gate_submits_positive"
            ),
            models.CheckConstraint(
                condition=Q(renders_at_once__gt=0), name="model_gate_renders_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route}: {self.model}"
