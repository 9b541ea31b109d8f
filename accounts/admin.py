"""Staff pages for people: users, their API keys, and groups of staff."""

from contextlib import suppress
from functools import cache
from http import HTTPStatus
from typing import Any
from zoneinfo import available_timezones

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold import forms as unfold_forms
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import closing, keys, letters, mails, second_factor, signup, staff_pages
from accounts.authentication import caller
from accounts.models import ApiKey, SignupSwitch, User

PREFERENCES = ("first_name", "last_name", "language", "time_zone", "mail_notices")
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

# One way in for everybody, so that the second factor is asked for here, too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as its docs say

admin.site.unregister(Group)
admin.site.unregister(EmailAddress)
# Their pages would show and change secrets, addresses and browsers of people.
admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)


@cache
def time_zones() -> list[tuple[str, Any]]:
    """All time zones, after the choice of none."""
    names = sorted(available_timezones())
    return [("", _("as set by the operator")), *((name, name) for name in names)]


class LowerCaseEmail:
    """The address is the login, so it is stored in one spelling."""

    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        """The address in lower case."""
        return str(self.cleaned_data["email"]).strip().lower()


class NewUserForm(LowerCaseEmail, unfold_forms.UserCreationForm):
    class Meta:
        model = User
        fields = ("email",)
        field_classes: dict[str, type[forms.Field]] = {}


class UserForm(LowerCaseEmail, unfold_forms.UserChangeForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=time_zones, required=False, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, type[forms.Field]] = {}


class LostFactorForm(forms.Form):
    """Why somebody's second factor is taken away."""

    reason = staff_pages.reason(help_text=_("Kept in the history of the account."), max_length=400)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # none at run time
    """People log in by e-mail address. Who leaves is never deleted: their ledger stays."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = unfold_forms.AdminPasswordChangeForm
    list_display = ("email", "is_active", "is_staff", "language", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "language")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("-id",)
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "password", "is_active")}),
        (_("Preferences"), {"fields": PREFERENCES}),
        (_("Rights"), {"fields": RIGHTS}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)
    actions_detail = ("remove_second_factor",)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only superusers change staff: a new password for one would be all that one's rights.
        Nobody a closed account, to which a form left open would give its name back."""
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return bool(allowed)
        return not closing.is_closed(obj) and (request.user.is_superuser or not obj.is_staff)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody: a person with history is deactivated."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only superusers give rights away."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *RIGHTS)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; whoever still reads mail at an old address must not reset the password by it, but
        is told of the new one."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).delete()
            reader = mails.reader(user=obj, address=form.initial["email"])
            _tell(kind="email_changed_by_staff", shown={"to_email": obj.email}, reader=reader)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name for it
        form_url: str = "",
    ) -> HttpResponse:
        """A new password for somebody, who is told of it."""
        answer = super().user_change_password(request, id, form_url)
        row = self.get_object(request, unquote(id))
        if row is not None and answer.status_code == HTTPStatus.FOUND:
            _tell(kind="password_changed_by_staff", shown={}, reader=mails.reader(user=row))
        return answer

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Only where there is a second factor to remove, and by who may."""
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        row = self.get_object(request, unquote(str(object_id)))
        helps = row and self._may_help(request, row) and second_factor.is_set_up(user=row)
        return actions if helps else []

    @staff_pages.action(description=_("Remove the second factor"), url_path="second-factor")
    def remove_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """For somebody who has lost the device and the recovery codes."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not second_factor.is_set_up(user=row):
            raise Http404
        if not self._may_help(request, row):
            raise PermissionDenied
        form = LostFactorForm(request.POST or None)
        if not form.is_valid():
            lead = gettext(
                "%(user)s logs in with the password alone after that, and is logged out everywhere"
                " now. Be sure that it is really they who ask."
            )
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Remove the second factor"),
                lead=lead % {"user": row}, form=form,
            )  # fmt: skip
        reason = form.cleaned_data["reason"]
        second_factor.remove(user=row, actor=caller(request), reason=reason)
        done = gettext("The second factor of %(user)s is removed.") % {"user": row}
        self.log_change(request, row, f"{gettext('Remove the second factor')}: {reason}")
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[row.pk]))

    def _may_help(self, request: HttpRequest, row: User) -> bool:
        """Who may change the person; nobody themselves, because a stolen session could, too."""
        return row.pk != request.user.pk and self.has_change_permission(request, row)


def _tell(*, kind: str, shown: dict[str, Any], reader: mails.Reader) -> None:
    """Mail once it is stored. What is done stays done if the mail server is away."""

    def send() -> None:
        with suppress(OSError):
            letters.send(kind=kind, shown=shown, reader=reader)

    transaction.on_commit(send)


@admin.register(ApiKey)
class ApiKeyAdmin(staff_pages.ReadOnlyAdmin):
    """Keys by name and owner. The stored digest, which is the row's key, is on no page."""

    list_display = ("name", "user", "made", "ends", "last_used", "revoke")
    list_display_links = None
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    search_help_text = _("The name of the key or the e-mail address of its owner")
    fields = readonly_fields = ("name", "user", "made", "ends", "last_used")

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and the one that asks before a key is revoked."""
        view = self.admin_site.admin_view(self.revoke_view)
        return [
            path("revoke/<str:handle>/", view, name="accounts_apikey_revoke"),
            *super().get_urls(),
        ]

    @admin.display(description=_("Made"), ordering="created")
    def made(self, key: ApiKey) -> str:
        return staff_pages.moment(key.created)

    @admin.display(description=_("Expires"), ordering="expiry")
    def ends(self, key: ApiKey) -> str:
        return staff_pages.moment(key.expiry)

    @admin.display(description=_("revoke"))
    def revoke(self, key: ApiKey) -> str:
        """A link to the page that revokes it."""
        url = reverse("admin:accounts_apikey_revoke", args=[keys.handle_of(key)])
        return format_html('<a class="text-link" href="{}">{}</a>', url, _("Revoke"))

    def revoke_view(self, request: HttpRequest, handle: str) -> HttpResponse:
        """Ask, then delete the key: from then on it opens nothing."""
        if not request.user.has_perm("accounts.delete_apikey"):
            raise PermissionDenied
        try:
            key = keys.find(handle=handle)
        except keys.NoSuchKey as error:
            raise Http404 from error
        if request.method != "POST":
            lead = gettext("“%(name)s” of %(user)s stops working at once, and for good.")
            return staff_pages.form_page(
                model_admin=self,
                request=request,
                title=gettext("Revoke the API key"),
                lead=lead % {"name": key.name, "user": key.user},
            )
        key.delete()
        done = gettext("The API key “%(name)s” is revoked.") % {"name": key.name}
        self.log_change(request, key.user, done)
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_apikey_changelist"))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Groups of staff, each with its rights."""


@admin.register(EmailAddress)
class EmailAddressAdmin(staff_pages.ReadOnlyAdmin):
    """The addresses that people have confirmed, or not."""

    list_display = ("email", "user", "verified", "primary")
    list_filter = ("verified", "primary")
    list_select_related = ("user",)
    search_fields = ("email", "user__email")


class SwitchForm(forms.Form):
    """Open, closed or as the setting says, and why."""

    to = forms.TypedChoiceField(
        label=_("Sign-up"),
        choices=[
            ("open", _("open")), ("closed", _("closed")), ("setting", _("as set by the operator")),
        ],
        coerce={"open": True, "closed": False, "setting": None}.__getitem__,
        empty_value=None,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    reason = staff_pages.reason(help_text=_("For staff."))


@admin.register(SignupSwitch)
class SignupSwitchAdmin(staff_pages.ReadOnlyAdmin):
    """Each time that staff opened or closed the sign-up; the newest decides."""

    list_display = ("time", "to", "actor", "reason")
    list_select_related = ("actor",)
    ordering = ("-id",)
    actions_list = ("switch",)
    fields = ("to", "actor", "reason", "switched_at")
    readonly_fields = ("to",)

    def has_switch_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may open and close the sign-up."""
        return request.user.has_perm("accounts.change_signupswitch")

    @admin.display(description=_("time"), ordering="id")
    def time(self, row: SignupSwitch) -> str:
        return staff_pages.moment(row.switched_at)

    @admin.display(description=_("Sign-up"))
    def to(self, row: SignupSwitch) -> Any:
        return {True: _("open"), False: _("closed"), None: _("as set by the operator")}[row.is_open]

    @staff_pages.action(
        description=_("Open or close the sign-up"), url_path="switch", permissions=["switch"]
    )
    def switch(self, request: HttpRequest) -> HttpResponse:
        """Open or close the sign-up, whatever the setting says."""
        form = SwitchForm(request.POST or None)
        state = gettext("open") if signup.is_open() else gettext("closed")
        if request.method != "POST" or not form.is_valid():
            return staff_pages.form_page(
                model_admin=self, request=request, title=gettext("Open or close the sign-up"),
                lead=gettext("Now it is %(state)s. This holds until it is switched again.")
                % {"state": state},
                form=form,
            )  # fmt: skip
        actor: Any = request.user
        row = signup.switch(**form.cleaned_data, actor=actor, at=timezone.now())
        self.log_change(request, row, row.reason)
        self.message_user(request, gettext("The sign-up is switched."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_signupswitch_changelist"))
