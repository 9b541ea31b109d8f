"""Closing accounts, which needs both the person and their shorts."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import closing, staff_pages
from accounts.admin import UserAdmin
from accounts.authentication import caller
from accounts.models import User
from generation.pipeline import leave

admin.site.unregister(User)


class CloseAccountsForm(forms.Form):
    """Why these accounts are closed."""

    reason = staff_pages.reason(help_text=_("Kept in the ledger for good."), max_length=400)


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """People as `accounts` shows them, and the act that needs their videos too: to close accounts.

    A row is never deleted, because the ledger refers to it.
    """

    actions = ("close_accounts",)

    def has_leave_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may close accounts."""
        return request.user.has_perm("accounts.delete_user")

    @staff_pages.action(description=_("Close the selected accounts"), permissions=["leave"])
    def close_accounts(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Delete their videos, take their names away and let nobody in; each on its own."""
        rows = list(queryset.order_by("pk"))
        if not all(self._may_close(request, row) for row in rows):
            refusal = gettext("Accounts of staff, and your own, are not closed here.")
            self.message_user(request, refusal, messages.ERROR)
            return None
        form = CloseAccountsForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            lead = gettext(
                "For good: no log-in, no name and address, no videos and pictures. The ledger"
                " stays. %(users)s"
            ) % {"users": ", ".join(str(row) for row in rows)}
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Close accounts"), lead=lead,
                form=form, selected=[row.pk for row in rows],
            )  # fmt: skip
        actor, reason = caller(request), form.cleaned_data["reason"]
        for row in rows:
            leave.run(user=row, actor=actor, reason=reason, at=timezone.now())
            row.refresh_from_db()
            self.log_change(request, row, reason)
        done = ngettext("%(count)s account is closed.", "%(count)s accounts are closed.", len(rows))
        self.message_user(request, done % {"count": len(rows)}, messages.SUCCESS)
        return None

    def _may_close(self, request: HttpRequest, row: User) -> bool:
        """Staff only by superusers, and nobody by themselves; what is closed can be so again."""
        may = closing.is_closed(row) or self.has_change_permission(request, row)
        return row.pk != request.user.pk and may
