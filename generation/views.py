"""Web pages: the studio, and the page of each short. They work without JavaScript."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from accounts.authentication import caller
from accounts.models import User
from generation import forms, queries, refusals, short_page
from generation import studio as studio_page
from generation.models import Short
from generation.pipeline import cancel, leave
from generation.refusals import Refusal

LOGGED_OUT = _(
    "You are logged out, so nothing was started and no tokens were taken. Log in: your words will"
    " still be there. Then choose your picture and send the form again."
)
# The cookie with what somebody had typed who was logged out meanwhile.
TYPED = "typed"


@csrf_exempt
def studio(request: HttpRequest) -> HttpResponse:
    """/: the studio. The token of the form is checked one step further in, because looking at it
    reads the body, and how the body is read has to be said before."""
    request.upload_handlers.insert(0, forms.SkipTooLarge(request))
    return _studio(request)


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def _studio(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return _logged_out(request) if request.method == "POST" else _landing(request)
    source = _source(request, user=request.user)
    if request.method == "POST":
        return _begin(request, user=request.user, source=source)
    return _form(request, user=request.user, source=source)


@never_cache
@require_safe
def studio_prices(request: HttpRequest) -> HttpResponse:
    """/studio/prices: what a studio that is open already asks for, to show the figures of now."""
    if not request.user.is_authenticated:
        return render(request, "generation/studio/logged_out.html")
    source = _source(request, user=request.user)
    same_words = source is not None and "other_words" not in request.GET
    shown = studio_page.prices(
        user=request.user,
        at=timezone.now(),
        typed=request.GET.dict(),
        wish=source.wish if source and same_words else None,
        source=source,
    )
    return render(request, "generation/studio/prices.html", shown)


def _landing(request: HttpRequest) -> HttpResponse:
    most = settings.DEFAULT_TOKEN_LIMIT
    offer = studio_page.landing(at=timezone.now(), tokens_a_month=most)
    return render(request, "generation/landing.html", {"offer": offer, "tokens_a_month": most})


def _logged_out(request: HttpRequest) -> HttpResponse:
    """With JavaScript nothing that was typed or chosen is lost, so the page stays as it is.
    Without, the words wait in a cookie until the log-in is done."""
    if _is_htmx(request):
        return render(request, "generation/studio/logged_out.html", status=401)
    messages.warning(request, LOGGED_OUT)
    again = request.POST.get("again", "")
    page = f"{reverse('studio')}?{urlencode({'again': again})}" if again else reverse("studio")
    response = redirect_to_login(page)
    _keep(response, typed=request.POST.dict())
    return response


def _keep(response: HttpResponse, *, typed: dict[str, str]) -> None:
    response.set_cookie(
        TYPED,
        forms.packed(typed),
        max_age=forms.TYPED_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _source(request: HttpRequest, *, user: User) -> Short | None:
    """The short that is to be made again, if it is about one. Raises Http404."""
    named = request.POST.get("again") or request.GET.get("again")
    if not named:
        return None
    try:
        return queries.owned(user=user, short_id=UUID(named))
    except (ValueError, Short.DoesNotExist) as error:
        raise Http404 from error


def _begin(request: HttpRequest, *, user: User, source: Short | None) -> HttpResponse:
    """Begin a short and go to its page, or show the form again with what was typed."""
    form, uploads = forms.StudioForm(request.POST), request.FILES.getlist("image")
    try:
        forms.check_size(request)
        short = studio_page.begin(
            user=user, uploads=uploads, given=form.checked(), at=timezone.now(), source=source
        )
    except Short.DoesNotExist as error:
        raise Http404 from error
    except Exception as error:
        refusal = studio_page.refusal(error)
        if refusal is None:
            raise
        return _form(request, user=user, source=source, refusal=refusal)
    return _lead_to(request, reverse("short", args=[short.pk]))


def _form(
    request: HttpRequest, *, user: User, source: Short | None, refusal: Refusal | None = None
) -> HttpResponse:
    page = studio_page.page(
        user=user, at=timezone.now(), typed=_typed(request), refusal=refusal, source=source
    )
    page["picture_is_kept"], refusal = _is_htmx(request), page["refusal"]
    status = refusal.status if refusal else 200
    response = render(request, "generation/studio.html", page, status=status)
    if TYPED in request.COOKIES:
        response.delete_cookie(TYPED, samesite="Lax")
    return response


def _typed(request: HttpRequest) -> dict[str, str]:
    """What the form is to show: what was sent, or what was typed before the log-in."""
    if request.method == "POST":
        return request.POST.dict()
    return {**forms.unpacked(request.COOKIES.get(TYPED, "")), **forms.preselected(request.GET)}


@never_cache
@require_safe
@login_required
def short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>: where a short stands, its video and its receipt; for its owner only."""
    shown = _shown(short=_owned(request, short_id), seen=None)
    return render(request, "generation/short.html", shown)


@never_cache
@require_safe
@login_required
def short_progress(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>/progress: what reads differently by now on a short's page that says what it has
    `seen`; asked by htmx. Anybody else is led to the page, and so is who asks for one that is gone.
    """
    if not _is_htmx(request):
        return redirect("short", short_id)
    try:
        owned = queries.owned(user=caller(request), short_id=short_id)
    except Short.DoesNotExist:
        return HttpResponseClientRefresh()
    shown = _shown(short=owned, seen=request.GET.get("seen", ""))
    return render(request, "generation/short/changes.html", shown)


@require_POST
def cancel_short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>/cancel: call a short off, as long as that is possible. Who has to log in first
    comes back to the short's page, where the button is."""
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("short", args=[short_id]))
    owned = _owned(request, short_id)
    try:
        cancel.run(short_id=owned.pk, at=timezone.now())
    except cancel.NotCancelable as error:
        messages.warning(request, refusals.SENTENCES[error.code])
    return _see(reverse("short", args=[owned.pk]))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def close_account(request: HttpRequest) -> HttpResponse:
    """/account/close: asks for the password, then closes the account for good."""
    user = caller(request)
    form = forms.CloseAccountForm(request.POST or None, user=user)
    if form.is_bound and not ratelimit.consume(request, action="reauthenticate", user=user):
        paused: HttpResponse = ratelimit.respond_429(request)
        return paused
    if form.is_valid():
        leave.run(user=user, actor=user, reason="closed by its owner", at=timezone.now())
        logout(request)
        messages.success(request, _("Your account is closed. Thank you for having been here."))
        return _see(reverse("studio"))
    return render(request, "generation/close_account.html", {"form": form})


def _shown(*, short: Short, seen: str | None) -> dict[str, Any]:
    at = timezone.now()
    page = short_page.page(view=queries.view(short=short, at=at), at=at)
    return short_page.shown(page=page, seen=seen, at=at)


def _owned(request: HttpRequest, short_id: UUID) -> Short:
    try:
        return queries.owned(user=caller(request), short_id=short_id)
    except Short.DoesNotExist as error:
        raise Http404 from error


def _is_htmx(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


def _lead_to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if _is_htmx(request) else _see(url)


def _see(url: str) -> HttpResponse:
    """Where to go on after a form."""
    return HttpResponseRedirect(url, status=303)
