"""What a price would have done to the last real jobs, as words and figures for the page."""

from typing import Any

from accounts import staff_pages
from metering import previews
from metering.admin import columns


def shown(preview: previews.Preview) -> dict[str, Any]:
    """Plain values: the sums in the first row, then the jobs."""
    return {
        "number": len(preview.jobs),
        "sums": _row(preview.before, preview.after),
        "jobs": [
            {
                "at": staff_pages.moment(job.at),
                "user": job.user,
                "job": columns.job(job.job_id),
                **_row(job.before, job.after),
            }
            for job in preview.jobs
        ],
    }


def _row(before: previews.Figures, after: previews.Figures) -> dict[str, Any]:
    return {
        "tokens": _change(columns.tokens(before.tokens), columns.tokens(after.tokens)),
        "more_tokens": _signed(after.tokens - before.tokens),
        "tariff": _change(columns.dollars(before.usd), columns.dollars(after.usd)),
        "cost": _change(columns.dollars(before.cost_usd), columns.dollars(after.cost_usd)),
        "margin": _change(_margin(before), _margin(after)),
    }


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _margin(figures: previews.Figures) -> str:
    return columns.margin(usd=figures.usd, cost_usd=figures.cost_usd)


def _signed(tokens: int) -> str:
    sign = "+" if tokens > 0 else "−" if tokens else "±"
    return f"{sign}{columns.tokens(abs(tokens))}"
