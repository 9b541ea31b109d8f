"""Web pages: the studio, and the page of each short. They work without JavaScript."""

from uuid import UUID

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import caller
from accounts.models import User
from generation import forms, queries, refusals, short_page
from generation import studio as studio_page
from generation.models import Short
from generation.pipeline import cancel, leave, remove
from generation.refusals import Refusal


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
        return redirect("account_login") if request.method == "POST" else _landing(request)
    source = _source(request, user=request.user)
    if request.method == "POST":
        return _begin(request, user=request.user, source=source)
    return _form(request, user=request.user, source=source)


def _landing(request: HttpRequest) -> HttpResponse:
    offer = studio_page.landing(at=timezone.now())
    shown = {"offer": offer, "tokens_a_month": settings.DEFAULT_TOKEN_LIMIT}
    return render(request, "generation/landing.html", shown)


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
    return _see(reverse("short", args=[short.pk]))


def _form(
    request: HttpRequest, *, user: User, source: Short | None, refusal: Refusal | None = None
) -> HttpResponse:
    page = studio_page.page(
        user=user, at=timezone.now(), typed=request.POST.dict(), refusal=refusal, source=source
    )
    refusal = page["refusal"]
    status = refusal.status if refusal else 200
    return render(request, "generation/studio.html", page, status=status)


@never_cache
@require_safe
@login_required
def short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>: where a short stands, its video and its receipt; for its owner only."""
    at, owned = timezone.now(), _owned(request, short_id)
    page = short_page.page(view=queries.view(short=owned, at=at), at=at)
    return render(request, "generation/short.html", page)


@require_POST
@login_required
def cancel_short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>/cancel: call a short off, as long as that is possible."""
    owned = _owned(request, short_id)
    try:
        cancel.run(short_id=owned.pk, at=timezone.now())
    except cancel.NotCancelable as error:
        messages.warning(request, refusals.SENTENCES[error.code])
    return _see(reverse("short", args=[owned.pk]))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>/delete: asks, then deletes a short, whatever it is doing."""
    sure = request.method == "POST"
    owned = _owned(request, short_id, deleted_too=sure)
    if not sure:
        return render(request, "generation/delete.html", short_page.farewell(short=owned))
    remove.run(short_id=owned.pk, at=timezone.now())
    messages.success(request, _("The video is deleted."))
    return _see(reverse("studio"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def close_account(request: HttpRequest) -> HttpResponse:
    """/account/close: asks for the password, then closes the account for good."""
    user = caller(request)
    form = forms.CloseAccountForm(request.POST or None, user=user)
    if form.is_bound and not ratelimit.consume(request, action="reauthenticate", user=user):
        return render(request, "429.html", status=429)
    if form.is_valid():
        leave.run(user=user, actor=user, reason="closed by its owner", at=timezone.now())
        logout(request)
        messages.success(request, _("Your account is closed. Thank you for having been here."))
        return _see(reverse("studio"))
    return render(request, "generation/close_account.html", {"form": form})


def _owned(request: HttpRequest, short_id: UUID, *, deleted_too: bool = False) -> Short:
    try:
        return queries.owned(user=caller(request), short_id=short_id, deleted_too=deleted_too)
    except Short.DoesNotExist as error:
        raise Http404 from error


def _see(url: str) -> HttpResponse:
    """Where to go on after a form."""
    return HttpResponseRedirect(url, status=303)
