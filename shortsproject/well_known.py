"""What programs look for at fixed addresses."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

A_DAY = 24 * 60 * 60
# Nobody's own pages, and nothing that takes a form, belongs into a search engine.
PRIVATE = (
    "/account", "/accounts/", "/admin", "/api/", "/healthz", "/language", "/metrics", "/shorts",
    "/usage",
)  # fmt: skip
ROBOTS = "\n".join(
    ("User-agent: *", "Allow: /api/docs", *(f"Disallow: {path}" for path in PRIVATE), "")
)

# https://www.w3.org/TR/change-password-url/
change_password = RedirectView.as_view(pattern_name="account_change_password")


@cache_control(max_age=A_DAY)
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """/robots.txt: search engines find the landing page and the API's description."""
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")
