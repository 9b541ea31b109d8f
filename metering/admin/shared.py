"""What several lists share: columns, and that the list can be taken along as a file."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from metering import exports
from metering.admin import columns


class Priced:
    """Of rows with dollars: what users are charged by, what the provider bills, what is between."""

    @admin.display(description=_("tariff"), ordering="usd")
    def tariff(self, row: Any) -> str:
        return columns.dollars(row.usd)

    @admin.display(description=_("cost"), ordering="cost_usd")
    def cost(self, row: Any) -> str:
        return columns.dollars(row.cost_usd)

    @admin.display(description=_("margin"))
    def margin(self, row: Any) -> str:
        return columns.margin(usd=row.usd, cost_usd=row.cost_usd)


class OfJob:
    """Of rows that belong to a job: its id on the page of a row, the end of it in a list."""

    @admin.display(description=_("job"))
    def job(self, row: Any) -> str:
        return columns.job(row.job_id, whole=True)

    @admin.display(description=_("job"))
    def short_job(self, row: Any) -> str:
        return columns.job(row.job_id)

    @admin.display(description=_("key"))
    def once(self, row: Any) -> str:
        """By which what is sent twice is done once."""
        return str(row.key)


class Exported(ModelAdmin):
    """A list with links to a file of what it shows: all pages, narrowed by search and filters."""

    list_before_template = "admin/metering/export_links.html"
    file_name = ""
    file_columns: Mapping[str, str] = {}

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and the files."""
        view = self.admin_site.admin_view(self.file_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_file"
        return [path("file.<str:kind>", view, name=name), *super().get_urls()]

    def above_list(self, changelist: Any) -> dict[str, Any]:
        """By what the list is narrowed, for the address of the file."""
        return {"narrowed": changelist.get_query_string()}

    def file_view(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        """The rows of the list with the same address, streamed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in exports.CONTENT_TYPES:
            raise Http404
        try:
            listed = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise Http404 from error
        return exports.of_list(
            listed=listed, columns=self.file_columns, kind=kind, name=self.file_name
        )
