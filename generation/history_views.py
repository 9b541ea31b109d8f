"""Web pages of the history: a list of shorts, their small pictures, and news of them."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.authentication import caller
from generation import files, forms, queries, thumbnails, tiles
from generation import history as history_page
from generation.models import Short

YEAR_SECONDS = 365 * 24 * 3600


@never_cache
@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """/shorts: the user's shorts, the newest first; `show`, `since` and `until` narrow them."""
    form = forms.HistoryForm(request.GET)
    try:
        asked = form.asked()
    except ValidationError as error:
        raise Http404 from error
    zone, at = timezone.get_current_timezone(), timezone.now()
    page = history_page.page(user=caller(request), asked=asked, zone=zone, at=at)
    return render(request, "generation/history.html", {**page, "form": form})


@never_cache
@require_safe
@login_required
def running(request: HttpRequest) -> HttpResponse:
    """/shorts/running: how the shorts stand that a page shows as under way; asked by htmx."""
    ids = forms.ChosenForm(request.GET).ids()
    news = tiles.news(user=caller(request), ids=ids, at=timezone.now())
    return render(request, "generation/history/news.html", news)


@require_safe
@login_required
def thumbnail(request: HttpRequest, short_id: UUID) -> HttpResponse:
    """/shorts/<id>/thumbnail: the picture in small, for its owner only. It never changes."""
    try:
        short = queries.owned(user=caller(request), short_id=short_id)
        small = thumbnails.of(picture=short.picture)
    except (Short.DoesNotExist, FileNotFoundError) as error:
        raise Http404 from error
    except files.Unavailable:
        return HttpResponse(status=503, headers={"Retry-After": "5", "Cache-Control": "no-store"})
    response = HttpResponse(small, content_type="image/jpeg")
    patch_cache_control(response, private=True, max_age=YEAR_SECONDS, immutable=True)
    return response
