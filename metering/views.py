"""Pages about tokens: what was used, which notices somebody wants, and an end to the mails."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import caller
from metering import forms, preferences, usage_page
from metering import notices as metering_notices


@never_cache
@login_required
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """/usage: a period at a glance, day by day, and its statement with the running balance."""
    form = forms.UsageForm(request.GET)
    if not form.is_valid():
        raise Http404
    try:
        page = usage_page.page(user=caller(request), asked=form.asked(), at=timezone.now())
    except ObjectDoesNotExist as error:
        raise Http404 from error
    return render(request, "metering/usage.html", page)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """/accounts/notices/: at which levels to be told, and whether by mail."""
    user = caller(request)
    now = {"levels": preferences.levels(user=user), "mail": user.mail_notices}
    sent = request.POST if request.method == "POST" else None
    form = forms.NoticesForm(sent, initial=now)
    if form.is_valid():
        preferences.choose(user=user, **form.chosen())
        messages.success(request, _("Your choice is saved."))
        return redirect("notices")
    return render(request, "account/notices.html", {"form": form})


@require_POST
def notice_seen(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Dismiss a notice: with htmx in its place, else back on the page that it stood on."""
    page, hosts = request.POST.get("next", ""), {request.get_host()}
    if not url_has_allowed_host_and_scheme(page, hosts, require_https=request.is_secure()):
        page = settings.LOGIN_REDIRECT_URL
    if not request.user.is_authenticated:
        return redirect_to_login(page)
    metering_notices.dismiss(user=caller(request), notice_id=notice_id, at=timezone.now())
    if "HX-Request" in request.headers:
        return render(request, "metering/notice_seen.html")
    return redirect(page)


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def notices_off(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a mail: asks, then turns the mails off. The signed token is the right to do so,
    so that neither a log-in nor a form token is needed, and mail programs can post it by
    themselves."""
    try:
        owner = preferences.owner(token=token)
    except preferences.BadLink as error:
        raise Http404 from error
    if request.method == "POST":
        preferences.mails_off(token=token)
    shown = {"email": owner.email, "done": request.method == "POST"}
    return render(request, "account/notices_off.html", shown)
