"""What the staff pages of all apps share: rows that are only read, and a form before an act."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold import decorators
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import User

Method = TypeVar("Method", bound=Callable[..., Any])
NO_REASON = _("Please give a reason.")


def reason(*, help_text: Any, max_length: int = 500, missing: Any = NO_REASON) -> forms.CharField:
    """The field in which staff say why; no act goes without. `max_length` is in characters."""
    return forms.CharField(
        label=_("Reason"),
        max_length=max_length,
        help_text=help_text,
        error_messages={"required": missing},
        widget=UnfoldAdminTextInputWidget,
    )


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the admin shows and never writes, whoever asks.

    An edit page would write the whole old row back, so what staff may do are actions of their own.
    """

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list. An action that this person may not take is refused, not passed over."""
        asked = {name for name in request.POST.getlist("action") if name}
        if not asked <= set(self.get_actions(request)):
            raise PermissionDenied
        page: HttpResponse = super().changelist_view(request, extra_context)
        if isinstance(page, TemplateResponse) and page.context_data and "cl" in page.context_data:
            page.context_data.update(self.above_list(page.context_data["cl"]))
        return page

    def above_list(self, changelist: Any) -> dict[str, Any]:
        """What `list_before_template` shows of a list, read before it is rendered."""
        return {}


class OwnedRowsAdmin(ReadOnlyAdmin):
    """Read-only rows that belong to people, searched by e-mail address or by the id of a job.

    These tables grow without end, so they are paged without counting them.
    """

    paginator = InfinitePaginator
    show_full_result_count = False
    list_fullwidth = True
    ordering: tuple[str, ...] = ("-id",)
    search_fields = ("user__email",)
    search_help_text = _("An e-mail address or a part of it, or the whole id of a job")
    job_lookup = ""

    @admin.display(description=_("time"), ordering="id")
    def recorded(self, row: Any) -> str:
        """When the row was made, by its number, which is indexed."""
        return moment(row.created_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By index: the rows of one job, or of the people whose address fits."""
        term = search_term.strip()
        job_id = _uuid(term) if self.job_lookup else None
        if job_id:
            return queryset.filter(**{self.job_lookup: job_id}), False
        if term:
            queryset = queryset.filter(user__in=User.objects.filter(email__icontains=term))
        return queryset, False


def action(**options: Any) -> Callable[[Method], Method]:
    """Unfold's decorator for an act of staff, with types."""
    decorate: Callable[[Method], Method] = decorators.action(**options)
    return decorate


def label(*, colours: dict[Any, str], **options: Any) -> Callable[[Method], Method]:
    """Unfold's decorator for a column of coloured labels, with types.

    The method returns a key of `colours` and the text.
    """
    decorate: Callable[[Method], Method] = decorators.display(label=colours, **options)
    return decorate


def moment(at: datetime | None) -> str:
    """A time, in the reader's time zone, on one line."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    return unbroken(formats.date_format(local, "SHORT_DATETIME_FORMAT"))


def unbroken(text: object) -> str:
    """Text that stays on one line in a narrow column."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def form_page(
    *,
    model_admin: ModelAdmin,
    request: HttpRequest,
    title: str,
    lead: str,
    form: forms.Form | None = None,
    selected: Sequence[object] = (),
) -> TemplateResponse:
    """Ask for what an act needs. `selected`: the rows of a list action, sent along again.

    Who cancels is back on the page of the row that the act is about, or on the list.
    """
    opts = model_admin.opts
    page = f"{model_admin.admin_site.name}:{opts.app_label}_{opts.model_name}"
    row = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
    back = reverse(f"{page}_change", args=[row]) if row else reverse(f"{page}_changelist")
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": opts,
        "title": title,
        "lead": lead,
        "form": form,
        "selected_name": ACTION_CHECKBOX_NAME,
        "selected": selected,
        "action_name": request.POST.get("action", ""),
        "cancel_url": back,
    }
    return TemplateResponse(request, "admin/form_page.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
