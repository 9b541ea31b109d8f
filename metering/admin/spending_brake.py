from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering import spending
from metering.admin import columns
from metering.models import SpendingBrake


class PauseForm(forms.Form):
    """Why spending is paused."""

    reason = staff_pages.reason(help_text=_("People who want a new video read it."))


class ResumeForm(forms.Form):
    """Why spending goes on."""

    reason = staff_pages.reason(help_text=_("For staff."))


@admin.register(SpendingBrake)
class SpendingBrakeAdmin(staff_pages.ReadOnlyAdmin):
    """Each time that all new spending was stopped, by the daily limit or by staff."""

    list_display = ("time", "kind", "why", "actor", "end", "resumed_by", "resume_reason")
    list_filter = ("kind",)
    list_select_related = ("actor", "resumed_by")
    list_fullwidth = True
    ordering = ("-id",)
    actions_list = ("pause", "resume")
    fields = (
        "kind", "why", "actor", "paused_at", "day", "limit", "told_at", "resumed_at",
        "resumed_by", "resume_reason",
    )  # fmt: skip
    readonly_fields = ("why", "limit")

    def has_brake_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may pause and resume spending."""
        return request.user.has_perm("metering.change_spendingbrake")

    @admin.display(description=_("paused at"), ordering="id")
    def time(self, brake: SpendingBrake) -> str:
        return staff_pages.moment(brake.paused_at)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, brake: SpendingBrake) -> Any:
        return brake.why

    @admin.display(description=_("resumed at"), ordering="resumed_at")
    def end(self, brake: SpendingBrake) -> str:
        return staff_pages.moment(brake.resumed_at)

    @admin.display(description=_("limit, $"))
    def limit(self, brake: SpendingBrake) -> str:
        return columns.dollars(brake.limit_usd)

    @staff_pages.action(description=_("Pause spending"), url_path="pause", permissions=["brake"])
    def pause(self, request: HttpRequest) -> HttpResponse:
        """Refuse new orders and keep waiting shorts from their next paid step."""
        form = PauseForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Pause spending"), form=form,
                lead=gettext(
                    "New orders are refused and waiting videos wait, until somebody resumes."
                    " Renders that are under way go on."
                ),
            )  # fmt: skip
        actor: Any = request.user
        reason = form.cleaned_data["reason"]
        brake = spending.pause(actor=actor, reason=reason, at=timezone.now())
        self.log_change(request, brake, reason)
        self.message_user(request, gettext("Spending is paused."), messages.SUCCESS)
        return _back()

    @staff_pages.action(description=_("Resume spending"), url_path="resume", permissions=["brake"])
    def resume(self, request: HttpRequest) -> HttpResponse:
        """Take every brake off."""
        form = ResumeForm(request.POST or None)
        now = spending.paused(at=timezone.now())
        if now is None:
            self.message_user(request, gettext("Spending is not paused."), messages.WARNING)
            return _back()
        if request.method != "POST" or not form.is_valid():
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Resume spending"), form=form,
                lead=gettext(
                    "Paused now: %(reason)s. If the daily limit is reached, it is not looked at"
                    " again before the next local day."
                ) % {"reason": now.reason.rstrip(".")},
            )  # fmt: skip
        self._resume(request=request, reason=form.cleaned_data["reason"])
        return _back()

    def _resume(self, *, request: HttpRequest, reason: str) -> None:
        actor: Any = request.user
        for brake in spending.resume(actor=actor, reason=reason, at=timezone.now()):
            self.log_change(request, brake, reason)
        self.message_user(request, gettext("Spending goes on."), messages.SUCCESS)


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:metering_spendingbrake_changelist"))
