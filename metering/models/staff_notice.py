from django.db import models
from django.utils.translation import gettext_lazy as _


class StaffNotice(models.Model):
    """Staff were told, once, that a job needs one of them, and why."""

    job_id = models.UUIDField(_("job"))
    kind = models.CharField(_("why"), max_length=32)
    created_at = models.DateTimeField(_("told at"))

    class Meta:
        verbose_name = _("notice to staff")
        verbose_name_plural = _("notices to staff")
        constraints = [
            models.UniqueConstraint(
                fields=["job_id", "kind"], name="staff_notice_once_a_job_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.job_id}"
