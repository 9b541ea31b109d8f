"""All addresses. Under /api/ every answer is JSON, also for paths that do not exist."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from metering import views as metering_views
from shortsproject import api_docs, errors, health, metrics, well_known

urlpatterns = [
    path("", include("generation.urls")),
    path("usage", metering_views.usage, name="usage"),
    path("api/", include("generation.api_urls")),
    path("api/", include("metering.api_urls")),
    path("api/schema", api_docs.SchemaApi.as_view(), name="api_schema"),
    path("api/docs", api_docs.page, name="api_docs"),
    re_path(r"^api(?:/.*)?$", errors.api_not_found),
    path("", include("accounts.urls")),
    path("accounts/", include("metering.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("metrics", metrics.metrics),
    path("robots.txt", well_known.robots),
    path(".well-known/change-password", well_known.change_password),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler429 = errors.too_many_tries
handler500 = errors.server_error
