from datetime import UTC, datetime
from decimal import Decimal

from django.db import migrations

LIST_PRICE = "price list of the enterprise platform, transcribed 2026-10-07"
THIRD_PARTY = "third party, after the price cut of 2026-04-07; not confirmed by the provider"
OMNI_SOURCE = "USD 17.50 per million video tokens, 5,792 tokens a second at 720p; others inferred"
FLASH_SOURCE = "pricing page, transcribed 2026-10-07; promotional price until 2026-12-31"
VEO = "gemini-veo-video"
OMNI = "gemini-omni-video"

#   API type, model, label, {resolution: (tariff, cost)}, in force from, retires at, source
VIDEO = [
    (VEO, "veo-3.1-fast-generate-001", "Veo 3.1 Fast",
     {"720p": ("0.15", "0.10"), "1080p": ("0.15", "0.12"), "4k": ("0.35", "0.30")},
     datetime(2026, 4, 7, tzinfo=UTC), None, THIRD_PARTY),
    (VEO, "veo-3.1-generate-001", "Veo 3.1",
     {"720p": ("0.40", "0.40"), "1080p": ("0.40", "0.40"), "4k": ("0.60", "0.60")},
     datetime(2026, 4, 7, tzinfo=UTC), None, LIST_PRICE),
    (VEO, "veo-3.1-lite-generate-001", "Veo 3.1 Lite",
     {"720p": ("0.08", "0.05"), "1080p": ("0.12", "0.08")},
     datetime(2026, 5, 1, tzinfo=UTC), None, "third party, May 2026"),
    (OMNI, "gemini-omni-1.1-flash", "Omni 1.1 Flash",
     {"720p": ("0.15", "0.101"), "1080p": ("0.23", "0.15"), "4k": ("0.45", "0.30")},
     datetime(2026, 8, 27, tzinfo=UTC), None, OMNI_SOURCE),
    (VEO, "veo-3.0-fast-generate-001", "Veo 3 Fast", {"720p": ("0.15", "0.15")},
     datetime(2025, 9, 9, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC), "price list of 2025"),
    (VEO, "veo-3.0-generate-001", "Veo 3", {"720p": ("0.40", "0.40")},
     datetime(2025, 9, 9, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC), "price list of 2025"),
]  # fmt: skip
ANALYSIS = [
    (datetime(2026, 9, 2, tzinfo=UTC), "0.75", "3.75"),
    (datetime(2027, 1, 1, tzinfo=UTC), "1.50", "7.50"),
]


def add_first_rates(apps, schema_editor):
    rate_card = apps.get_model("metering", "RateCard")
    for api_type, model, label, prices, start, end, source in VIDEO:
        for resolution, (tariff, cost) in prices.items():
            rate_card.objects.create(
                api_type=api_type, model=model, label=label, resolution=resolution,
                usd_per_second=Decimal(tariff), cost_usd_per_second=Decimal(cost),
                effective_from=start, retires_at=end, source=source,
            )  # fmt: skip
    for start, cost_in, cost_out in ANALYSIS:
        rate_card.objects.create(
            api_type="gemini-image-analysis", model="gemini-3.8-flash", label="Image analysis",
            estimate_tokens=500, cost_usd_per_million_input=Decimal(cost_in),
            cost_usd_per_million_output=Decimal(cost_out), effective_from=start,
            source=FLASH_SOURCE,
        )  # fmt: skip
    apps.get_model("metering", "ConversionRate").objects.create(
        tokens_per_usd=Decimal(833), effective_from=datetime(2025, 1, 1, tzinfo=UTC),
        source="the brief of January 2025: $1 is about 833 tokens",
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("metering", "0003_ledger_functions")]

    operations = [migrations.RunPython(add_first_rates, migrations.RunPython.noop)]
