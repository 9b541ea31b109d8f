from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import unquote
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts import staff_pages
from metering import previews, rates
from metering.admin import columns, forms, price_preview
from metering.models import ConversionRate, RateCard

COPIED = (
    "api_type", "model", "label", "resolution", "usd_per_second", "cost_usd_per_second",
    "cost_usd_per_million_input", "cost_usd_per_million_output", "estimate_tokens",
    "bills_filtered", "source",
)  # fmt: skip
STANDINGS = {
    "in_force": _("in force"),
    "future": _("later"),
    "retired": _("retired"),
    "disabled": _("disabled"),
    "replaced": _("replaced"),
}
COLOURS = {
    "in_force": "success", "future": "info", "retired": "", "disabled": "danger", "replaced": "",
}  # fmt: skip


class InForceFilter(SimpleListFilter):
    """Prices that count now, or will."""

    title = _("in force")
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("now", _("now")), ("later", _("later")), ("over", _("no longer"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        future = Q(effective_from__gt=timezone.now())
        match self.value():
            case "now":
                return queryset.filter(in_force=True)
            case "later":
                return queryset.filter(future)
            case "over":
                return queryset.filter(~future, in_force=False)
        return None


class DatedAdmin(ModelAdmin):
    """Prices by date. What has been in force is history: the database refuses to change it."""

    list_per_page = 100
    list_fullwidth = True
    actions = None
    open_when_in_force: tuple[str, ...] = ()
    change_form_outer_before_template = "admin/metering/price_preview.html"
    change_form_after_template = "admin/metering/price_preview_button.html"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A row in force can be changed only where something of it stays open."""
        allowed = super().has_change_permission(request, obj)
        return bool(allowed and (not began(obj) or self.open_when_in_force))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what has never counted."""
        return bool(super().has_delete_permission(request, obj) and not began(obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All but the open fields, once in force."""
        if not began(obj):
            return ()
        names = (field.name for field in self.opts.fields if not field.primary_key)
        return tuple(name for name in names if name not in self.open_when_in_force)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form of a price that does not count yet, with what it would have done: when asked,
        and by itself where it is stored."""
        form, row = context["adminform"].form, kwargs.get("obj")
        context["can_preview"] = not began(row)
        if not began(row) and not form.errors and (row or form.is_bound):
            context["preview"] = price_preview.shown(self.preview(form.instance))
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    @abstractmethod
    def preview(self, row: Any) -> previews.Preview:
        """What a price, stored or not, would have done to the last real jobs."""


@admin.register(RateCard)
class RateCardAdmin(DatedAdmin):
    """What users are charged by, and what the provider bills."""

    form = forms.RateCardForm
    open_when_in_force = ("retires_at", "enabled")
    list_display = (
        "label", "model", "resolution", "tariff", "cost", "standing", "effective_from",
        "retires_at",
    )  # fmt: skip
    list_filter = (InForceFilter, "api_type", "enabled")
    search_fields = ("label", "model")
    actions_detail = ("copy",)
    fieldsets = (
        (None, {"fields": ("api_type", "model", "label", "resolution")}),
        (_("By the second"), {"fields": ("usd_per_second", "cost_usd_per_second")}),
        (_("By tokens"), {"fields": (
            "estimate_tokens", "cost_usd_per_million_input", "cost_usd_per_million_output",
        )}),
        (_("When and why"), {"fields": (
            "effective_from", "retires_at", "enabled", "bills_filtered", "source",
        )}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Cards, each marked whether a quote made now would use it."""
        current = Q(pk__in=rates.cards_in_force(at=timezone.now()).values("pk"))
        marked = ExpressionWrapper(current, output_field=BooleanField())
        cards: QuerySet[RateCard] = super().get_queryset(request)
        return cards.annotate(in_force=marked)

    def preview(self, row: RateCard) -> previews.Preview:
        """The last jobs with this model and resolution."""
        return previews.of_card(card=row)

    @admin.display(description=_("tariff"), ordering="usd_per_second")
    def tariff(self, card: RateCard) -> str:
        if card.usd_per_second is None:
            return staff_pages.unbroken(_("tokens one for one"))
        return staff_pages.unbroken(f"{columns.dollars(card.usd_per_second)} / s")

    @admin.display(description=_("cost"))
    def cost(self, card: RateCard) -> str:
        if card.cost_usd_per_second is not None:
            return staff_pages.unbroken(f"{columns.dollars(card.cost_usd_per_second)} / s")
        text = _("%(input)s in, %(output)s out, per million") % {
            "input": columns.dollars(card.cost_usd_per_million_input),
            "output": columns.dollars(card.cost_usd_per_million_output),
        }
        return staff_pages.unbroken(text)

    @staff_pages.label(description=_("standing"), colours=COLOURS)
    def standing(self, card: Any) -> tuple[str, Any]:
        name = _standing(card=card, at=timezone.now())
        return name, STANDINGS[name]

    def has_copy_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may add a price may start from another one."""
        return bool(self.has_add_permission(request))

    @staff_pages.action(
        description=_("New price from this one"),
        url_path="copy",
        permissions=["copy"],
    )
    def copy(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The empty form, filled with this price; nothing is stored yet."""
        card = self.get_object(request, unquote(object_id))
        if card is None:
            raise Http404
        values = {name: getattr(card, name) for name in COPIED}
        given = {name: value for name, value in values.items() if value not in (None, "", False)}
        return HttpResponseRedirect(f"{reverse('admin:metering_ratecard_add')}?{urlencode(given)}")


@admin.register(ConversionRate)
class ConversionRateAdmin(DatedAdmin):
    """How many tokens a dollar is."""

    form = forms.ConversionRateForm
    list_display = ("rate", "effective_from", "source")
    fields = ("tokens_per_usd", "effective_from", "source")

    def preview(self, row: ConversionRate) -> previews.Preview:
        """The last jobs with a tariff in dollars."""
        return previews.of_rate(tokens_per_usd=row.tokens_per_usd)

    @admin.display(description=_("tokens per dollar"), ordering="tokens_per_usd")
    def rate(self, row: ConversionRate) -> str:
        return str(row)


def began(row: Any) -> bool:
    """Whether a stored price has ever been in force."""
    return row is not None and row.effective_from <= timezone.now()


def _standing(*, card: Any, at: datetime) -> str:
    if card.in_force:
        return "in_force"
    if not card.enabled:
        return "disabled"
    if card.effective_from > at:
        return "future"
    return "retired" if card.retires_at and card.retires_at <= at else "replaced"
