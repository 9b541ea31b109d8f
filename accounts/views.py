"""Pages of an account: what is where, API keys, language and time zone, and log-ins."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.i18n import set_language

from accounts import forms, preferences, visits
from accounts import keys as api_keys
from accounts import overview as account_overview
from accounts.authentication import caller

# Where a new key waits for the one page that shows it.
FRESH_KEY = "fresh_api_key"


@never_cache
@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """/account: who one is, and what is where."""
    here, at = request.session.session_key, timezone.now()
    facts = account_overview.facts(user=caller(request), here=here, at=at)
    return render(request, "account/overview.html", facts)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """/account/keys: the keys, and a form for a new one, which the next page shows once."""
    form = forms.KeyForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _make_key(request, form):
        return redirect("api_keys")
    secret = "" if request.method == "HEAD" else request.session.pop(FRESH_KEY, "")
    url = request.build_absolute_uri(reverse("api_shorts_generate"))
    shown = {
        "form": form,
        "lines": api_keys.lines(user=caller(request), at=timezone.now()),
        "secret": secret,
        "curl": api_keys.curl(secret=secret, url=url),
    }
    return render(request, "account/keys.html", shown)


def _make_key(request: HttpRequest, form: forms.KeyForm) -> bool:
    """Whether there is a new key; if not, the form says why."""
    try:
        secret = api_keys.make(user=caller(request), **form.cleaned_data)
    except api_keys.NameTaken:
        form.add_error("name", _("You have a key of this name already."))
        return False
    except api_keys.TooManyKeys:
        full = _("You have %(count)s keys, and more are not possible. Revoke one that you no"
                 " longer need.")  # fmt: skip
        form.add_error(None, full % {"count": api_keys.MOST})
        return False
    request.session[FRESH_KEY] = secret
    return True


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_key(request: HttpRequest, handle: str) -> HttpResponse:
    """/account/keys/<handle>/revoke: asks, then deletes a key; it stops at once."""
    try:
        key = api_keys.owned(user=caller(request), handle=handle)
    except api_keys.NoSuchKey as error:
        raise Http404 from error
    if request.method != "POST":
        return render(request, "account/revoke_key.html", {"name": key.name, "handle": handle})
    key.delete()
    messages.success(request, _("The API key “%(name)s” is revoked.") % {"name": key.name})
    return redirect("api_keys")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """/account/preferences: language and time zone."""
    user = caller(request)
    now = {"language": user.language, "time_zone": user.time_zone}
    form = forms.PreferencesForm(request.POST if request.method == "POST" else None, initial=now)
    if form.is_valid():
        preferences.choose(user=user, **form.cleaned_data)
        return _chosen(request, language=user.language)
    operators = settings.QUOTA_TIME_ZONE
    shown = {"form": form, "zones": preferences.offered_zones(), "operators_zone": operators}
    return render(request, "account/preferences.html", shown)


def _chosen(request: HttpRequest, *, language: str) -> HttpResponse:
    """Back to the preferences, from now on in the chosen language, here and after logging out."""
    response = redirect("preferences")
    cookie = settings.LANGUAGE_COOKIE_NAME
    request.COOKIES.pop(cookie, None)
    if language:
        response.set_cookie(cookie, language, max_age=settings.LANGUAGE_COOKIE_AGE)
    else:
        response.delete_cookie(cookie)
    with translation.override(language or translation.get_language_from_request(request)):
        messages.success(request, _("Your choice is saved."))
    return response


@require_http_methods(["POST"])
def language(request: HttpRequest) -> HttpResponse:
    """/language: the buttons in the head of every page; kept for who is logged in."""
    if request.user.is_authenticated:
        chosen = request.POST.get("language", "")
        preferences.choose_language(user=request.user, language=chosen)
    return set_language(request)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """/accounts/sessions/: where one is logged in, and an end to one of them or all others."""
    user, here = caller(request), request.session.session_key
    if request.method == "POST":
        form = forms.VisitForm(request.POST)
        if form.is_valid():
            visits.end(user=user, here=here, visit_id=form.cleaned_data["visit"])
            messages.success(request, _("Done. This browser stays logged in."))
        return redirect("usersessions_list")
    shown = {"visits": visits.of(user=user, here=here, at=timezone.now())}
    return render(request, "account/sessions.html", shown)
