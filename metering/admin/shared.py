"""Columns that several lists share."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

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
