"""Language and time zone of the person who asks, and the second factor before the admin."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext

from accounts import second_factor
from accounts.models import User


class PreferencesMiddleware:
    """Activates the user's language and time zone, else the browser's and the operator's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = getattr(request.user, "language", "")
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        zone = getattr(request.user, "time_zone", "") or settings.QUOTA_TIME_ZONE
        with timezone.override(ZoneInfo(zone)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response


class StaffSecondFactorMiddleware:
    """With STAFF_SECOND_FACTOR the admin opens only where a code was given; else it leads there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        inside = request.path.startswith("/admin/") and request.path != reverse("admin:logout")
        if not inside or not isinstance(request.user, User):
            return self.get_response(request)
        return self._way_in(request, user=request.user)

    def _way_in(self, request: HttpRequest, *, user: User) -> HttpResponse:
        if not second_factor.is_wanted(user=user):
            return self.get_response(request)
        if not second_factor.is_set_up(user=user):
            why = gettext("The admin opens with a second factor only. Please set it up first.")
            messages.info(request, why)
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        if not second_factor.is_proved(request, user=user):
            back = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{back}")
        return self.get_response(request)
