"""Acts of staff on a row: a page with a form, one call of `metering.staff`, one entry.

Who may change ledgers may act; the pages of the rows themselves write nothing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import UnfoldAction

from accounts import staff_pages
from metering import backlog, exports, queries, staff
from metering.admin import act_forms, columns
from metering.models import Hold, LedgerEntry, TokenLedger


@dataclass(frozen=True)
class Act:
    """What a page asks and does. `verb` takes the form's values, the actor and the instant."""

    title: str
    lead: str
    form: act_forms.ActForm
    verb: Callable[..., int]
    about: dict[str, Any]


class ActingAdmin(staff_pages.ReadOnlyAdmin):
    """Read-only rows with buttons for acts. `only_where` hides those that make no sense."""

    only_where: dict[str, Callable[[Any], bool]] = {}
    in_one_transaction = True

    def has_limit_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may act: the right to change ledgers, which the pages themselves never do."""
        return request.user.has_perm("metering.change_tokenledger")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """The buttons that this person may press on this row."""
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        row = self.get_object(request, unquote(str(object_id)))
        return [action for action in actions if row and self._makes_sense(action, row)]

    def _makes_sense(self, action: UnfoldAction, row: Any) -> bool:
        return self.only_where.get(action.method.__name__, lambda row: True)(row)

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """The row of the page. Raises Http404."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def act(self, *, request: HttpRequest, row: Any, act: Act) -> HttpResponse:
        """Show the form; once it is sent and the ledger agrees, say so on the page of the row."""
        if request.method == "POST" and act.form.is_valid():
            try:
                entry = self._done(request=request, row=row, act=act)
            except staff.Refused as refusal:
                act.form.add_error(None, str(refusal.message))
            else:
                self.message_user(request, said(entry), messages.SUCCESS)
                page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
                return HttpResponseRedirect(reverse(page, args=[row.pk]))
        return staff_pages.form_page(
            model_admin=self, request=request, title=act.title, lead=act.lead, form=act.form
        )

    def _done(self, *, request: HttpRequest, row: Any, act: Act) -> LedgerEntry:
        around: AbstractContextManager[None] = (
            transaction.atomic() if self.in_one_transaction else nullcontext()
        )
        with around:
            entry_id = act.verb(
                **act.about, **act.form.cleaned_data, actor=request.user, at=timezone.now()
            )
            entry = queries.entry(entry_id=entry_id)
            self.log_change(request, row, f"{act.title}: {entry.reason}")
        return entry


class LedgerActs(ActingAdmin):
    """What staff may do to a whole ledger, beside its limit."""

    @staff_pages.action(description=_("Grant tokens"), url_path="grant", permissions=["limit"])
    def grant(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Extra tokens for the current period."""
        row = self.row(request, object_id)
        lead = gettext("%(figures)s What is granted lasts until the period ends.")
        form = act_forms.GivenTokensForm(
            request.POST or None, initial={"tokens": request.GET.get("tokens", "")}
        )
        return self._act_on(request, row, gettext("Grant tokens"), lead, form, staff.grant)

    @staff_pages.action(description=_("Adjust usage"), url_path="adjust", permissions=["limit"])
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A correction of what was used."""
        row = self.row(request, object_id)
        lead = gettext("%(figures)s This corrects what was used in this period.")
        form = act_forms.AdjustForm(request.POST or None)
        return self._act_on(request, row, gettext("Adjust usage"), lead, form, staff.adjust)

    @staff_pages.action(description=_("Suspend"), url_path="suspend", permissions=["limit"])
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """No new holds."""
        row = self.row(request, object_id)
        lead = gettext("%(figures)s A suspension stops new jobs only; those under way go on.")
        form = act_forms.ActForm(request.POST or None)
        return self._act_on(request, row, gettext("Suspend"), lead, form, staff.suspend)

    @staff_pages.action(description=_("Resume"), url_path="resume", permissions=["limit"])
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """New holds again."""
        row = self.row(request, object_id)
        lead = gettext("%(figures)s New jobs can be started again.")
        form = act_forms.ActForm(request.POST or None)
        return self._act_on(request, row, gettext("Resume"), lead, form, staff.resume)

    @staff_pages.action(description=_("Change period"), url_path="period", permissions=["limit"])
    def set_period(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How tokens are counted."""
        row = self.row(request, object_id)
        lead = gettext(
            "%(figures)s A shorter period starts at once with nothing used, a longer one when the"
            " current one ends."
        )
        form = act_forms.PeriodForm(request.POST or None, initial={"period": row.period})
        return self._act_on(request, row, gettext("Change period"), lead, form, staff.set_period)

    def has_statement_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may see entries may take them along."""
        return request.user.has_perm("metering.view_ledgerentry")

    @staff_pages.action(
        description=_("Export entries"),
        url_path="export",
        permissions=["statement"],
    )
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The same file that the person can have."""
        row = self.row(request, object_id)
        known = queries.entry_periods(user=row.user, at=timezone.now())
        form = act_forms.ExportForm(request.POST or None, periods=known)
        if request.method == "POST" and form.is_valid():
            period, kind = form.cleaned_data["period"], form.cleaned_data["format"]
            return exports.response(user=row.user, period_start=period, kind=kind)
        return staff_pages.form_page(
            model_admin=self, request=request, title=gettext("Export entries"),
            lead=str(row.user), form=form,
        )  # fmt: skip

    def _act_on(
        self, request: HttpRequest, row: TokenLedger, title: str, lead: str,
        form: act_forms.ActForm, verb: Callable[..., int],
    ) -> HttpResponse:  # fmt: skip
        lead = lead % {"figures": figures(row)}
        act = Act(title=title, lead=lead, form=form, verb=verb, about={"user": row.user})
        return self.act(request=request, row=row, act=act)


class EntryActs(ActingAdmin):
    """What staff may do about one entry."""

    only_where = {"refund": lambda entry: entry.kind == LedgerEntry.Kind.CHARGE}

    @staff_pages.action(description=_("Refund"), url_path="refund", permissions=["limit"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give a charge back, prefilled with what is left of it."""
        entry = self.row(request, object_id)
        found = queries.refundable(entry=entry, at=timezone.now())
        form = act_forms.GivenTokensForm(
            request.POST or None, initial={"tokens": found.left_tokens or ""}
        )
        lead = gettext("%(user)s: %(charged)s tokens charged, %(left)s can still be refunded.") % {
            "user": entry.user,
            "charged": columns.tokens(found.charged_tokens),
            "left": columns.tokens(found.left_tokens),
        }
        if found.period_closed:
            lead = format_html("{} {}", lead, gives_nothing_today(entry, found.left_tokens))
        act = Act(
            title=gettext("Refund"), lead=lead, form=form, verb=staff.refund,
            about={"entry_id": entry.pk},
        )  # fmt: skip
        return self.act(request=request, row=entry, act=act)


class HoldActs(ActingAdmin):
    """What staff may do about one hold."""

    only_where = {
        "charge": lambda hold: hold.state == Hold.State.DUE,
        "write_off": lambda hold: hold.state == Hold.State.DUE,
    }

    @staff_pages.action(
        description=_("Try the charge now"), url_path="charge", permissions=["limit"]
    )
    def charge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What is tried again by itself, without the wait."""
        hold = self.row(request, object_id)
        if request.method != "POST":
            lead = gettext(
                "%(user)s: %(held)s tokens held, %(tries)s attempts to charge them. It is tried"
                " again by itself; this tries it now."
            )
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Try the charge now"),
                lead=lead % _known(hold),
            )  # fmt: skip
        backlog.charge_now(hold=hold.to_open_hold(), at=timezone.now())
        hold.refresh_from_db()
        if hold.state == Hold.State.CAPTURED:
            self.message_user(request, gettext("The charge is made."), messages.SUCCESS)
        elif hold.state == Hold.State.DUE:
            failed = gettext("The charge failed again: %(error)s") % {"error": hold.charge_error}
            self.message_user(request, failed, messages.ERROR)
        else:
            self.message_user(request, str(staff.SENTENCES[hold.state]), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:metering_hold_change", args=[hold.pk]))

    @staff_pages.action(description=_("Write off"), url_path="write-off", permissions=["limit"])
    def write_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Close a due hold that can't be charged."""
        hold = self.row(request, object_id)
        lead = gettext(
            "%(user)s: %(held)s tokens held, %(tries)s attempts to charge them. A write-off gives"
            " them back and charges nothing, although they were spent."
        ) % _known(hold)
        act = Act(
            title=gettext("Write off"), lead=lead, form=act_forms.ActForm(request.POST or None),
            verb=staff.write_off, about={"hold": hold.to_open_hold()},
        )  # fmt: skip
        return self.act(request=request, row=hold, act=act)


def _known(hold: Hold) -> dict[str, Any]:
    held = columns.tokens(hold.amount)
    return {"user": hold.user, "held": held, "tries": hold.charge_attempts}


def said(entry: LedgerEntry) -> str:
    """What stands in the ledger now. A form sent twice is answered with its first entry."""
    amount = entry.limit_delta if entry.kind == LedgerEntry.Kind.GRANT else entry.tokens
    text = gettext("%(user)s, entry %(number)s: %(kind)s, %(tokens)s tokens. %(reason)s")
    return text % {
        "user": entry.user, "number": entry.seq, "kind": entry.get_kind_display(),
        "tokens": columns.tokens(amount), "reason": entry.why,
    }  # fmt: skip


def figures(row: TokenLedger) -> str:
    """One line: who, and how the ledger stands."""
    now = queries.balance(user=row.user, at=timezone.now())
    text = gettext("%(user)s: limit %(limit)s, granted %(granted)s, used %(used)s, held %(held)s.")
    return text % {
        "user": row.user, "limit": columns.tokens(now.limit_tokens),
        "granted": columns.tokens(now.granted_tokens), "used": columns.tokens(now.used_tokens),
        "held": columns.tokens(now.held_tokens),
    }  # fmt: skip


def gives_nothing_today(entry: LedgerEntry, left: int) -> str:
    """That a refund of a charge of a closed period helps nobody today, and what would."""
    grant = reverse("admin:metering_tokenledger_grant", args=[entry.user_id])
    text: str | Promise = _(
        "The charge belongs to an earlier period, so a refund corrects that period and gives"
        " nothing back today."
    )
    return format_html(
        '{} <a class="text-link" href="{}?{}">{}</a>',
        text, grant, urlencode({"tokens": left}), _("Grant tokens for this period instead"),
    )  # fmt: skip
