"""By what staff narrow the list of shorts."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from generation import catalog, unsettled


class VideoModelFilter(SimpleListFilter):
    """Models that this release can drive; the choices come from the catalogue, not the rows."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(model.name, model.name) for model in catalog.MODELS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(model=self.value()) if self.value() else None


class NeedsPersonFilter(SimpleListFilter):
    """The queue of staff: shorts that can't go on by themselves, all or of one kind."""

    title = _("needs a person")
    parameter_name = unsettled.PARAMETER

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(unsettled.ANY, _("for any reason")), *unsettled.Kind.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """The page itself has narrowed the rows to those that need a person."""
        one = self.value() not in (None, unsettled.ANY)
        return queryset.filter(kind=self.value()) if one else None
