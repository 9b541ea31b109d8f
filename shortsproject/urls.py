"""All addresses. Under /api/ every answer is JSON, also for paths that do not exist."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from metering import views as metering_views
from shortsproject import api_docs, errors, health, metrics

urlpatterns = [
    path("", include("generation.urls")),
    path("usage", metering_views.usage, name="usage"),
    path("api/", include("generation.api_urls")),
    path("api/", include("metering.api_urls")),
    path("api/schema", api_docs.SchemaApi.as_view(), name="api_schema"),
    path("api/docs", api_docs.page, name="api_docs"),
    re_path(r"^api(?:/.*)?$", errors.api_not_found),
    path("accounts/", include("metering.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("language", set_language, name="set_language"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("metrics", metrics.metrics),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
