"""Decisions of staff about one short: a page with a form, one call of `pipeline/resolve.py`."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from generation import unsettled
from generation.admin import act_forms
from generation.models import Short, State
from generation.pipeline import resolve
from metering import queries, receipts
from metering.admin import acts, columns
from metering.admin.act_forms import ActForm


class ShortActs(acts.ActingAdmin):
    """What staff may decide about a short that can't go on by itself."""

    only_where = {
        "resume": unsettled.is_unknown,
        "release": unsettled.is_unknown,
        "ask_again": unsettled.is_over,
        "end": unsettled.is_over,
        "refund_video": lambda short: short.state == State.LOST,
    }
    # Each decision has its own transaction, and one asks the provider before it.
    in_one_transaction = False

    def has_resolve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may settle shorts: the right to change them, which the page itself never does."""
        return request.user.has_perm("generation.change_short")

    @staff_pages.action(
        description=_("Resume with operation name"), url_path="resume", permissions=["resolve"]
    )
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The provider did take the job."""
        lead = gettext(
            "%(figures)s If the provider answers for the operation, the short goes on rendering and"
            " takes its place in flight again. Otherwise nothing changes."
        )
        form = act_forms.ResumeForm(request.POST or None)
        title = gettext("Resume with operation name")
        return self._decide(request, object_id, title, lead, resolve.resume, form)

    @staff_pages.action(
        description=_("Release with reason"), url_path="release", permissions=["resolve"]
    )
    def release(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The provider did not take the job."""
        lead = gettext(
            "%(figures)s The short ends as failed and its tokens are given back. If the provider"
            " did take the job, it bills the video all the same."
        )
        title = gettext("Release with reason")
        return self._decide(request, object_id, title, lead, resolve.release)

    @staff_pages.action(
        description=_("Ask again now"), url_path="ask-again", permissions=["resolve"]
    )
    def ask_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The provider may still know the result."""
        lead = gettext(
            "%(figures)s The provider is asked once more about this render. If it still gives no"
            " result, the short comes back to this queue."
        )
        title = gettext("Ask again now")
        return self._decide(request, object_id, title, lead, resolve.ask_again)

    @staff_pages.action(description=_("End with reason"), url_path="end", permissions=["resolve"])
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The render came to nothing."""
        lead = gettext(
            "%(figures)s The short ends as failed and its tokens are given back. Nobody asks about"
            " the render any more."
        )
        title = gettext("End with reason")
        return self._decide(request, object_id, title, lead, resolve.release)

    @staff_pages.action(description=_("Refund the video"), url_path="refund", permissions=["limit"])
    def refund_video(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A lost video is given back whole."""
        lead = gettext("%(figures)s What is left of the charge for the video is given back.")
        reason = gettext("The video was charged and could not be fetched.")
        form = ActForm(request.POST or None, initial={"reason": reason})
        title = gettext("Refund the video")
        return self._decide(request, object_id, title, lead, resolve.refund, form)

    def _decide(
        self, request: HttpRequest, object_id: str, title: str, lead: str,
        verb: Callable[..., int], form: ActForm | None = None,
    ) -> HttpResponse:  # fmt: skip
        """The page of one act; its form asks for a reason alone unless another is given."""
        short, form = self.row(request, object_id), form or ActForm(request.POST or None)
        lead = lead % {"figures": known(short)}
        if verb == resolve.refund:
            lead = _with_warning(lead, short)
        act = acts.Act(title=title, lead=lead, form=form, verb=verb, about={"short_id": short.pk})
        return self.act(request=request, row=short, act=act)


def known(short: Short) -> str:
    """One line: whose it is, how it stands and what it holds."""
    receipt = receipts.receipt(job_id=short.pk)
    held = sum(leg.estimated_tokens for leg in receipt.legs if leg.state in ("open", "due"))
    text = gettext("%(user)s: %(state)s, %(held)s tokens held, %(charged)s charged.")
    return text % {
        "user": short.user, "state": short.get_state_display(), "held": columns.tokens(held),
        "charged": columns.tokens(receipt.charged_tokens),
    }  # fmt: skip


def _with_warning(lead: str, short: Short) -> str:
    """Where the charge is of a closed period, that the refund gives nothing back today."""
    charge = queries.charge_of(job_id=short.pk, model=short.model)
    if charge is None:
        return lead
    found = queries.refundable(entry=charge, at=timezone.now())
    if not found.period_closed:
        return lead
    return format_html("{} {}", lead, acts.gives_nothing_today(charge, found.left_tokens))
