"""Staff pages for the gates before the models."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import staff_pages
from generation import catalog, gates
from generation.models import ModelGate


def closable() -> list[tuple[str, str]]:
    """Every model that this release can drive, by route: the video models and the analysis."""
    video = {(model.route, model.name) for model in catalog.MODELS}
    analysis = {(route, catalog.ANALYSIS_MODEL) for route, _name in video}
    return [(f"{route}/{name}", f"{route}: {name}") for route, name in sorted(video | analysis)]


class CloseForm(forms.Form):
    """Which model to close, and why."""

    gate = forms.ChoiceField(label=_("Model"), choices=closable, widget=UnfoldAdminSelectWidget)
    reason = staff_pages.reason(
        help_text=_("For staff. People only read that the model is not available.")
    )


@admin.register(ModelGate)
class ModelGateAdmin(staff_pages.ReadOnlyAdmin):
    """Which models are closed, by themselves after refusals or by staff."""

    list_display = ("model", "route", "standing", "refusals", "not_before", "closed_at", "reason")
    ordering = ("route", "model")
    actions = ("reopen",)
    actions_list = ("close",)

    def has_gate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may close and reopen models."""
        return request.user.has_perm("generation.change_modelgate")

    @staff_pages.label(
        description=_("standing"),
        ordering="closed_at",
        colours={"closed": "danger", "open": "success"},
    )
    def standing(self, gate: ModelGate) -> tuple[str, Any]:
        return ("closed", _("closed")) if gate.closed_at else ("open", _("open"))

    @staff_pages.action(description=_("Reopen the selected models"), permissions=["gate"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[ModelGate]) -> None:
        """Take new jobs again, with nothing held against these models."""
        rows = list(queryset)
        for gate in rows:
            gates.reopen(route=gate.route, model=gate.model)
            self.log_change(request, gate, gettext("Reopened."))
        done = ngettext("%(count)s model is open.", "%(count)s models are open.", len(rows))
        self.message_user(request, done % {"count": len(rows)}, messages.SUCCESS)

    @staff_pages.action(description=_("Close a model"), url_path="close", permissions=["gate"])
    def close(self, request: HttpRequest) -> HttpResponse:
        """Take no new jobs for a model, until it is reopened."""
        form = CloseForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Close a model"),
                lead=gettext("New jobs are refused, and waiting ones end with their tokens back."),
                form=form,
            )  # fmt: skip
        route, _slash, model = form.cleaned_data["gate"].partition("/")
        reason = form.cleaned_data["reason"]
        gates.close(route=route, model=model, reason=reason, at=timezone.now())
        self.log_change(request, ModelGate.objects.get(route=route, model=model), reason)
        done = gettext("%(model)s is closed.") % {"model": model}
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:generation_modelgate_changelist"))
