"""How figures and links look on the staff pages."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts import staff_pages
from metering import rates
from metering.models import RateCard

NOTHING = "–"

# The admin page of a job, set by the app that owns the jobs: metering knows them by id alone.
job_page: str | None = None


def tokens(count: int | None) -> str:
    """Tokens with their thousands set apart; unlimited in words."""
    return str(_("unlimited")) if count is None else intcomma(count)


def dollars(usd: Decimal | None) -> str:
    """Dollars with every digit that counts."""
    if usd is None:
        return NOTHING
    return f"{'−' if usd < 0 else ''}${rates.usd_text(abs(usd))}"


def about(usd: Decimal) -> str:
    """Dollars for a sum of many: to the cent, below a dollar to a hundredth of one."""
    places = 2 if abs(usd) >= 1 or not usd else 4
    figure = formats.number_format(abs(usd), decimal_pos=places, force_grouping=True)
    return f"{'−' if usd < 0 else ''}${figure}"


def margin(*, usd: Decimal | None, cost_usd: Decimal | None) -> str:
    """Tariff less cost; nothing where tokens are charged one for one and have no dollar tariff."""
    return NOTHING if usd is None or cost_usd is None else dollars(usd - cost_usd)


def link(*, page: str, key: object, text: object) -> str:
    """A link to the page of one row; `page` is an admin address name without its ending."""
    url = reverse(f"admin:{page}_change", args=[key])
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def found(*, page: str, term: object, text: object) -> str:
    """A link to a list, searched for a term."""
    url = f"{reverse(f'admin:{page}_changelist')}?{urlencode({'q': str(term)})}"
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def job(job_id: UUID | None, *, whole: bool = False) -> str:
    """A job's id, or its end, which tells jobs apart; linked to its page, else to its entries."""
    if job_id is None:
        return NOTHING
    text = str(job_id) if whole else staff_pages.unbroken(f"…{str(job_id)[-8:]}")
    if job_page is None:
        return found(page="metering_ledgerentry", term=job_id, text=text)
    return link(page=job_page, key=job_id, text=text)


class PricedFilter(SimpleListFilter):
    """Filter by what has ever had a price: the choices come from rate cards, not from the rows."""

    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Each value once."""
        names = RateCard.objects.order_by(self.field).values_list(self.field, flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """The rows of the chosen value."""
        return queryset.filter(**{self.field: self.value()}) if self.value() else None


class ApiTypeFilter(PricedFilter):
    title = _("API type")
    parameter_name = field = "api_type"


class ModelFilter(PricedFilter):
    title = _("model")
    parameter_name = field = "model"
