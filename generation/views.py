"""Web pages: the studio, and the page of each short. They work without JavaScript."""

from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from generation import forms, queries, short_page
from generation import studio as studio_page
from generation.models import Short
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
    if request.method == "POST":
        return _begin(request, user=request.user)
    return _form(request, user=request.user)


def _landing(request: HttpRequest) -> HttpResponse:
    offer = studio_page.landing(at=timezone.now())
    shown = {"offer": offer, "tokens_a_month": settings.DEFAULT_TOKEN_LIMIT}
    return render(request, "generation/landing.html", shown)


def _begin(request: HttpRequest, *, user: User) -> HttpResponse:
    """Begin a short and go to its page, or show the form again with what was typed."""
    form = forms.StudioForm(request.POST)
    uploads = request.FILES.getlist("image")
    try:
        forms.check_size(request)
        short = studio_page.begin(
            user=user, uploads=uploads, given=form.checked(), at=timezone.now()
        )
    except Exception as error:
        refusal = studio_page.refusal(error)
        if refusal is None:
            raise
        return _form(request, user=user, refusal=refusal)
    return HttpResponseRedirect(reverse("short", args=[short.pk]), status=303)


def _form(request: HttpRequest, *, user: User, refusal: Refusal | None = None) -> HttpResponse:
    page = studio_page.page(
        user=user, at=timezone.now(), typed=request.POST.dict(), refusal=refusal
    )
    refusal = page["refusal"]
    status = refusal.status if refusal else 200
    return render(request, "generation/studio.html", page, status=status)


@never_cache
@require_safe
@login_required
def short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>: where a short stands, its video and its receipt; for its owner only."""
    at = timezone.now()
    try:
        owned = queries.owned(user=cast(User, request.user), short_id=short_id)
    except Short.DoesNotExist as error:
        raise Http404 from error
    page = short_page.page(view=queries.view(short=owned, at=at), at=at)
    return render(request, "generation/short.html", page)
