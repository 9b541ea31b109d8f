"""Staff pages for the gates before the models."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from accounts import staff_pages
from generation import catalog, gates, turns
from generation.models import ModelGate
from metering.admin import acts, columns

LIST = "admin:generation_modelgate_changelist"
MOST = 1_000_000


def renderers() -> list[tuple[str, str]]:
    """Every video model that this release can drive, by route."""
    names = sorted((model.route, model.name) for model in catalog.MODELS)
    return [(f"{route}/{name}", f"{route}: {name}") for route, name in names]


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


class ReopenForm(forms.Form):
    """Why models are opened again."""

    reason = staff_pages.reason(help_text=_("For staff, in the history of the model."))


def budget(label: Any) -> forms.IntegerField:
    """The field of a budget; without one, that of the settings counts."""
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=MOST,
        help_text=_("Empty: as the settings say."),
        widget=UnfoldAdminIntegerFieldWidget,
    )


class BudgetsForm(forms.Form):
    """What a video model may be given to do."""

    gate = forms.ChoiceField(label=_("Model"), choices=renderers, widget=UnfoldAdminSelectWidget)
    submits_per_minute = budget(_("Submits per minute"))
    renders_at_once = budget(_("Renders at once"))
    reason = staff_pages.reason(help_text=_("For staff, in the history of the model."))


@admin.register(ModelGate)
class ModelGateAdmin(acts.ActingAdmin):
    """Which models are closed, by themselves after refusals or by staff, and what each has to do
    and may be given to do."""

    list_display = (
        "model", "route", "standing", "rendering", "submitted", "in_line", "since", "reason",
        "rests_until",
    )  # fmt: skip
    list_fullwidth = True
    ordering = ("route", "model")
    actions = ("reopen",)
    actions_list = ("close", "set_budgets")
    actions_detail = ("change_budgets",)
    only_where = {"change_budgets": lambda gate: catalog.find(gate.model) is not None}
    readonly_fields = ("rendering", "submitted", "in_line")
    fieldsets = (
        (None, {"fields": ("model", "route", "closed_at", "refusals", "not_before", "reason")}),
        (_("What it has to do"), {"fields": ("rendering", "submitted", "in_line")}),
        (_("What it may be given to do"), {"fields": ("renders_at_once", "submits_per_minute")}),
    )  # fmt: skip

    def has_gate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may close and reopen models, and say what they may be given to do."""
        return request.user.has_perm("generation.change_modelgate")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with what each model has to do, which is counted in one query."""
        changelist: Any = super().get_changelist_instance(request)
        loads = turns.loads(at=timezone.now())
        for gate in changelist.result_list:
            gate.load = loads.get((gate.route, gate.model))
        return changelist

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ModelGate | None:
        """One gate, with what its model has to do."""
        gate: Any = super().get_object(request, object_id, from_field)
        if gate is not None:
            gate.load = turns.loads(at=timezone.now()).get((gate.route, gate.model))
        found: ModelGate | None = gate
        return found

    @staff_pages.label(
        description=_("standing"),
        ordering="closed_at",
        colours={"closed": "danger", "open": "success"},
    )
    def standing(self, gate: ModelGate) -> tuple[str, Any]:
        return ("closed", _("closed")) if gate.closed_at else ("open", _("open"))

    @admin.display(description=_("closed at"), ordering="closed_at")
    def since(self, gate: ModelGate) -> str:
        return staff_pages.moment(gate.closed_at)

    @admin.display(description=_("not before"), ordering="not_before")
    def rests_until(self, gate: ModelGate) -> str:
        return staff_pages.moment(gate.not_before)

    @admin.display(description=_("rendering"))
    def rendering(self, gate: Any) -> str:
        return _of(gate.load and (gate.load.busy, gate.load.renders_at_once))

    @admin.display(description=_("submits in the last minute"))
    def submitted(self, gate: Any) -> str:
        return _of(gate.load and (gate.load.submits, gate.load.submits_per_minute))

    @admin.display(description=_("in line"))
    def in_line(self, gate: Any) -> str:
        return str(gate.load.in_line) if gate.load else columns.NOTHING

    @staff_pages.action(description=_("Reopen the selected models"), permissions=["gate"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[ModelGate]) -> HttpResponse | None:
        """Take new jobs again, with nothing held against these models."""
        rows = list(queryset)
        form = ReopenForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            lead = gettext("New jobs are taken again, and waiting ones go on: %(models)s.")
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Reopen"),
                lead=lead % {"models": ", ".join(gate.model for gate in rows)},
                form=form, selected=[gate.pk for gate in rows],
            )  # fmt: skip
        for gate in rows:
            gates.reopen(route=gate.route, model=gate.model, reason=form.cleaned_data["reason"])
            said = gettext("Reopened: %(reason)s") % form.cleaned_data
            self.log_change(request, gate, said)
        done = ngettext("%(count)s model is open.", "%(count)s models are open.", len(rows))
        self.message_user(request, done % {"count": len(rows)}, messages.SUCCESS)
        return None

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
        done = gettext("%(model)s is closed.") % {"model": model}
        return self._tell(request, route=route, model=model, said=reason, done=done)

    @staff_pages.action(
        description=_("Set budgets of a model"), url_path="set-budgets", permissions=["gate"]
    )
    def set_budgets(self, request: HttpRequest) -> HttpResponse:
        """How many submits a minute and renders at once a model may be given."""
        form = BudgetsForm(request.POST or None, initial=_budgets(request.GET.get("gate", "")))
        if request.method != "POST" or not form.is_valid():
            lead = gettext(
                "What is more waits in line, fairly between people. The settings say %(submits)s"
                " submits a minute and %(renders)s renders at once."
            ) % {
                "submits": settings.PROVIDER_SUBMITS_PER_MINUTE,
                "renders": settings.PROVIDER_RENDERS_AT_ONCE,
            }
            title = gettext("Set budgets of a model")
            return staff_pages.form_page(
                model_admin=self, request=request, title=title, lead=lead, form=form
            )
        given = dict(form.cleaned_data)
        route, _slash, model = given.pop("gate").partition("/")
        gates.set_budgets(route=route, model=model, **given)
        said = gettext(
            "Submits per minute: %(submits_per_minute)s, renders at once: %(renders_at_once)s."
            " %(reason)s"
        ) % {name: columns.NOTHING if value is None else value for name, value in given.items()}
        done = gettext("The budgets of %(model)s are set.") % {"model": model}
        return self._tell(request, route=route, model=model, said=said, done=done)

    @staff_pages.action(description=_("Change budgets"), url_path="budgets", permissions=["gate"])
    def change_budgets(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form for this model, filled in."""
        gate = self.row(request, object_id)
        page = reverse("admin:generation_modelgate_set_budgets")
        return HttpResponseRedirect(f"{page}?{urlencode({'gate': f'{gate.route}/{gate.model}'})}")

    def _tell(
        self, request: HttpRequest, *, route: str, model: str, said: str, done: str
    ) -> HttpResponse:
        """Keep why in the history of the gate, say that it is done, and show the list."""
        self.log_change(request, ModelGate.objects.get(route=route, model=model), said)
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse(LIST))


def _of(figures: tuple[int, int] | None) -> str:
    if figures is None:
        return columns.NOTHING
    return gettext("%(now)s of %(most)s") % {"now": figures[0], "most": figures[1]}


def _budgets(gate: str) -> dict[str, Any]:
    """What a model of this route and name has been given so far, as the form begins."""
    route, _slash, model = gate.partition("/")
    found = ModelGate.objects.filter(route=route, model=model).first()
    return {
        "gate": gate,
        "submits_per_minute": found.submits_per_minute if found else None,
        "renders_at_once": found.renders_at_once if found else None,
    }
