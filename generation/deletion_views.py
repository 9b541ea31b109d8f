"""Web pages that ask before shorts are deleted, one or several, and lead back to where it began."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.authentication import caller
from generation import forms, queries, short_page
from generation.models import Short
from generation.pipeline import remove


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_short(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>/delete: asks, then deletes a short, whatever it is doing."""
    sure, back = request.method == "POST", _back(request)
    try:
        short = queries.owned(user=caller(request), short_id=short_id, deleted_too=sure)
    except Short.DoesNotExist as error:
        raise Http404 from error
    if not sure:
        asked = {**short_page.farewell(short=short), "next": back}
        return render(request, "generation/delete.html", asked)
    remove.run(short_id=short.pk, at=timezone.now())
    messages.success(request, _("The video is deleted."))
    return _go_on(back)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_several(request: HttpRequest) -> HttpResponse:
    """/shorts/delete: asks, then deletes the chosen shorts, each as if it were alone."""
    sure, back = request.method == "POST", _back(request)
    form = forms.ChosenForm(request.POST if sure else request.GET)
    chosen = queries.among(user=caller(request), ids=form.ids())
    if chosen and not sure:
        asked = {**short_page.farewells(shorts=chosen), "next": back}
        return render(request, "generation/delete_several.html", asked)
    for short in chosen:
        remove.run(short_id=short.pk, at=timezone.now())
    _say(request, sure=sure, number=len(chosen))
    return _go_on(back)


def _say(request: HttpRequest, *, sure: bool, number: int) -> None:
    """What has come of it. None may be left if the form was sent twice."""
    if sure:
        deleted = ngettext("%(number)s video is deleted.", "%(number)s videos are deleted.", number)
        messages.success(request, deleted % {"number": number})
    else:
        messages.warning(request, _("No video was chosen. Choose those that are to be deleted."))


def _back(request: HttpRequest) -> str:
    """The page of this site that a form says to come back to; empty if it names none."""
    named = request.POST.get("next") or request.GET.get("next") or ""
    hosts, secure = {request.get_host()}, request.is_secure()
    is_ours = url_has_allowed_host_and_scheme(named, allowed_hosts=hosts, require_https=secure)
    return named if is_ours else ""


def _go_on(back: str) -> HttpResponse:
    return HttpResponseRedirect(back or reverse("history"), status=303)
