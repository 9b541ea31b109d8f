from typing import Any
from uuid import uuid4, uuid5

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Value, When
from django.db.models.functions import NullIf
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering import periods, queries, staff
from metering.admin import acts, columns, forms
from metering.models import TokenLedger
from metering.types import Balance

MOST_AT_ONCE = 500


class LimitFilter(SimpleListFilter):
    """Who has a limit, and who has used it up."""

    title = _("limit")
    parameter_name = "limit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("unlimited", _("unlimited")),
            ("limited", _("with a limit")),
            ("used_up", _("used up")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() == "used_up":
            return queryset.filter(remaining_now__lte=0)
        if self.value():
            return queryset.filter(token_limit__isnull=self.value() == "unlimited")
        return None


@admin.register(TokenLedger)
class TokenLedgerAdmin(acts.LedgerActs):
    """Everybody's figures. The page writes nothing; what staff may do are acts, with a reason."""

    list_display = (
        "user", "standing", "usage", "limit", "used_tokens", "held_tokens", "remaining",
        "in_flight", "period",
    )  # fmt: skip
    list_filter = ("period", "suspended", LimitFilter)
    list_select_related = ("user",)
    list_fullwidth = True
    search_fields = ("user__email",)
    search_help_text = _("An e-mail address or a part of it")
    ordering = ("user__email",)
    actions = ("set_limits",)
    actions_detail = (
        "set_limit",
        "grant",
        {"title": _("More"), "items": ["adjust", "suspend", "resume", "set_period", "export"]},
    )
    only_where = {"suspend": lambda row: not row.suspended, "resume": lambda row: row.suspended}
    readonly_fields = (
        "limit", "grants", "used_tokens", "held_tokens", "remaining", "available", "usage",
        "in_flight", "resets_at", "levels", "entries", "holds", "standing_in_words",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("user", "standing_in_words", "entries", "holds")}),
        (_("Limit"), {"fields": ("limit", "grants", "period", "resets_at", "levels")}),
        (_("This period"), {"fields": (
            "usage", "used_tokens", "held_tokens", "remaining", "available", "in_flight",
        )}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[TokenLedger]:
        """Ledgers with the figures of the period in force, so that lists sort by what they show."""
        today = periods.local_day(at=timezone.now())
        stale = Q(pk__in=())
        for kind in TokenLedger.Period.values:
            start = periods.first_day(kind=kind, day=today)
            if start:
                stale |= Q(period=kind, period_start__lt=start)
        big = BigIntegerField()
        nothing, hundred = (Value(number, output_field=big) for number in (0, 100))
        return queries.ledgers().annotate(
            used_now=Case(When(stale, then=nothing), default=F("used")),
            held_now=Case(When(stale, then=nothing), default=F("held")),
            granted_now=Case(When(stale, then=nothing), default=F("granted")),
            given_now=F("token_limit") + F("granted_now"),
            remaining_now=F("given_now") - F("used_now"),
            share_now=hundred * F("used_now") / NullIf("given_now", nothing, output_field=big),
        )

    @admin.display(description=_("limit"), ordering="token_limit")
    def limit(self, row: Any) -> str:
        return columns.tokens(row.token_limit)

    @admin.display(description=_("granted on top"))
    def grants(self, row: Any) -> str:
        return columns.tokens(balance(row).granted_tokens)

    @admin.display(description=_("used"), ordering="used_now")
    def used_tokens(self, row: Any) -> str:
        return columns.tokens(balance(row).used_tokens)

    @admin.display(description=_("held"), ordering="held_now")
    def held_tokens(self, row: Any) -> str:
        return columns.tokens(balance(row).held_tokens)

    @admin.display(description=_("remaining"), ordering="remaining_now")
    def remaining(self, row: Any) -> str:
        return columns.tokens(balance(row).remaining_tokens)

    @admin.display(description=_("available for a new job"))
    def available(self, row: Any) -> str:
        return columns.tokens(balance(row).available_tokens)

    @admin.display(description=_("usage"), ordering=F("share_now").asc(nulls_first=True))
    def usage(self, row: Any) -> str:
        """A bar: used, then held, of what the period gives."""
        figures = balance(row)
        if figures.limit_tokens is None:
            return columns.NOTHING
        total = figures.limit_tokens + figures.granted_tokens
        used = share(figures.used_tokens, total)
        held = min(share(figures.held_tokens, total), 100 - min(used, 100))
        bar = {"used": used, "bar": min(used, 100), "held": held}
        return render_to_string("admin/metering/usage_bar.html", bar)

    @admin.display(description=_("jobs in flight"), ordering="in_flight")
    def in_flight(self, row: Any) -> str:
        return gettext("%(now)s of %(most)s") % {"now": row.in_flight, "most": row.max_in_flight}

    @staff_pages.label(
        description=_("standing"),
        ordering="suspended",
        colours={"suspended": "danger", "active": "success"},
    )
    def standing(self, row: Any) -> tuple[str, Any]:
        return ("suspended" if row.suspended else "active"), self.standing_in_words(row)

    @admin.display(description=_("standing"))
    def standing_in_words(self, row: Any) -> Any:
        return _("suspended") if row.suspended else _("active")

    @admin.display(description=_("next period"))
    def resets_at(self, row: Any) -> str:
        return staff_pages.moment(balance(row).resets_at)

    @admin.display(description=_("notice levels"))
    def levels(self, row: Any) -> str:
        """At which shares of the limit the person is told."""
        return ", ".join(f"{level} %" for level in row.notice_levels) or columns.NOTHING

    @admin.display(description=_("ledger entries"))
    def entries(self, row: Any) -> str:
        text = _("All entries of this person")
        return columns.found(page="metering_ledgerentry", term=row.user.email, text=text)

    @admin.display(description=_("holds"))
    def holds(self, row: Any) -> str:
        text = _("All holds of this person")
        return columns.found(page="metering_hold", term=row.user.email, text=text)

    @staff_pages.action(description=_("Change limit"), url_path="limit", permissions=["limit"])
    def set_limit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One person's limit, on a page of its own."""
        row = self.row(request, object_id)
        form = forms.LimitForm(
            request.POST or None,
            initial={"tokens": row.token_limit, "unlimited": row.token_limit is None},
        )
        if request.method != "POST" or not form.is_valid():
            lead = gettext(
                "%(user)s: limit %(limit)s, used %(used)s, held %(held)s, jobs in flight %(jobs)s."
            ) % {
                "user": row.user, "limit": self.limit(row), "used": self.used_tokens(row),
                "held": self.held_tokens(row), "jobs": self.in_flight(row),
            }  # fmt: skip
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Change limit"), lead=lead,
                form=form,
            )  # fmt: skip
        self._set_limit(request=request, row=row, values=form.cleaned_data)
        row.refresh_from_db(fields=["token_limit"])
        done = gettext("The limit of %(user)s is now %(limit)s.") % {
            "user": row.user,
            "limit": self.limit(row),
        }
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:metering_tokenledger_change", args=[row.pk]))

    @staff_pages.action(
        description=_("Set the limit of the selected people"), permissions=["limit"]
    )
    def set_limits(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """The same limit for several people, each in a transaction of its own."""
        rows = list(queryset.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            refusal = gettext("Select at most %(most)s people at once.") % {"most": MOST_AT_ONCE}
            self.message_user(request, refusal, messages.ERROR)
            return None
        form = forms.ManyLimitsForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            lead = ngettext(
                "This sets the limit of %(count)s person: %(users)s",
                "This sets the limit of %(count)s people: %(users)s",
                len(rows),
            ) % {"count": len(rows), "users": ", ".join(str(row.user) for row in rows)}
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Set limit"), lead=lead,
                form=form, selected=[row.pk for row in rows],
            )  # fmt: skip
        for row in rows:
            self._set_limit(request=request, row=row, values=form.cleaned_data)
        done = ngettext(
            "The limit of %(count)s person is set.",
            "The limit of %(count)s people is set.",
            len(rows),
        )
        self.message_user(request, done % {"count": len(rows)}, messages.SUCCESS)
        return None

    def _set_limit(self, *, request: HttpRequest, row: TokenLedger, values: dict[str, Any]) -> None:
        if not self.has_limit_permission(request):
            raise PermissionDenied
        actor: Any = request.user
        tokens, jobs = values["tokens"], values.get("max_in_flight")
        with transaction.atomic():
            staff.set_limit(
                user=row.user,
                tokens=tokens,
                max_in_flight=jobs,
                actor=actor,
                reason=values["reason"],
                # For each of several people, and for each limit that one form is sent with.
                key=uuid5(values["key"] or uuid4(), f"{row.pk} {tokens} {jobs}"),
                at=timezone.now(),
            )
            self.log_change(request, row, f"{columns.tokens(tokens)}: {values['reason']}")


def balance(row: Any) -> Balance:
    """The figures of a listed ledger at this instant."""
    return queries.balance_of(ledger=row, in_flight=row.in_flight, at=timezone.now())


def share(part: int, total: int) -> int:
    """Percent, rounded up, so that a little use is seen; all of nothing is 100."""
    if total <= 0:
        return 100 if part else 0
    return -(-part * 100 // total)
