"""/metrics: the figures that an operator's Prometheus reads, straight from the database.

Reading them takes the token of `METRICS_TOKEN`; without one set there is nothing at the address.
"""

from collections.abc import Iterator
from secrets import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from generation import gates, unsettled
from metering import backlog, checkups, queries, spending


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures in Prometheus' text format; 404 without the right token."""
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode(errors="replace")
    if not settings.METRICS_TOKEN or not compare_digest(given, wanted):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Figures(Collector):
    """Read once per request; each is one query."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Charges that wait, dollars of today, closed models, brakes, the last ledger check."""
        at, check = timezone.now(), checkups.last()
        for name, text, value in (
            ("charge_backlog", "Holds that wait for their charge; normally 0.", backlog.size()),
            ("spend_usd", "Provider's cost today, live holds included.", queries.spend_usd(at=at)),
            ("closed_models", "Models that take no new jobs.", len(gates.closed_models())),
            ("spending_paused", "1 while new jobs are refused.", bool(spending.paused(at=at))),
            ("ledger_ok", "1 if the last proof of the ledger held.", bool(check and check.ok)),
        ):
            yield GaugeMetricFamily(f"shorts_{name}", text, value=float(value))
        waiting = GaugeMetricFamily(
            "shorts_unsettled", "Shorts that need a person; normally 0.", labels=["kind"]
        )
        for kind, count in unsettled.counts(at=at).items():
            waiting.add_metric([kind.value], float(count))
        yield waiting
