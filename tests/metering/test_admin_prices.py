"""Staff set prices by date. What has been in force stays as it was."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from metering import rates
from metering.models import ConversionRate, RateCard
from tests.metering.staff_work import allow, signed_in, spend

CARDS = "/admin/metering/ratecard/"
CONVERSIONS = "/admin/metering/conversionrate/"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
FAST = "veo-3.1-fast-generate-001"
NEW = {
    "api_type": "gemini-veo-video", "model": FAST, "label": "Veo 3.1 Fast", "resolution": "720p",
    "usd_per_second": "0.20", "cost_usd_per_second": "0.10", "source": "price list of today",
    "enabled": "on",
}  # fmt: skip
RAW = {
    **NEW, "usd_per_second": "", "cost_usd_per_second": "", "estimate_tokens": "500",
    "cost_usd_per_million_input": "0.75", "cost_usd_per_million_output": "3.75",
}  # fmt: skip


@pytest.fixture
def desk(staff: User) -> Client:
    return signed_in(staff)


def moment(at: datetime, name: str = "effective_from") -> dict[str, str]:
    """A time as the two fields of the form."""
    local = timezone.localtime(at, SEOUL)
    return {f"{name}_0": local.strftime("%Y-%m-%d"), f"{name}_1": local.strftime("%H:%M:%S")}


def in_force() -> RateCard:
    return rates.card(api_type="gemini-veo-video", model=FAST, resolution="720p", at=timezone.now())


def future_card() -> RateCard:
    card = in_force()
    card.pk = None
    card.effective_from = timezone.now() + timedelta(days=3)
    card.save(force_insert=True)
    return card


def test_a_price_without_a_date_counts_at_once(desk: Client) -> None:
    answer = desk.post(f"{CARDS}add/", NEW)

    assert answer.status_code == 302
    assert in_force().usd_per_second == Decimal("0.20")
    assert RateCard.objects.filter(model=FAST, resolution="720p").count() == 2


def test_a_price_for_later_changes_nothing_yet(desk: Client) -> None:
    later = timezone.now() + timedelta(days=1)

    answer = desk.post(f"{CARDS}add/", {**NEW, **moment(later)})

    assert answer.status_code == 302
    assert in_force().usd_per_second == Decimal("0.15")
    assert RateCard.objects.filter(effective_from__gt=timezone.now(), model=FAST).count() == 1


def test_raw_tokens_need_no_tariff(desk: Client) -> None:
    answer = desk.post(f"{CARDS}add/", RAW)

    assert answer.status_code == 302
    assert in_force().estimate_tokens == 500


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**NEW, "cost_usd_per_second": ""}, "needs the provider’s cost by the second"),
        ({**NEW, "usd_per_second": ""}, "Give a tariff by the second; or, for raw tokens"),
        ({**NEW, "usd_per_second": "0"}, "This must be above 0"),
        ({**NEW, "usd_per_second": "-1"}, "This must not be below 0"),
        ({**NEW, "cost_usd_per_second": "-1"}, "This must not be below 0"),
        ({**NEW, "estimate_tokens": "500"}, "By the second or by tokens: leave this empty."),
        ({**RAW, "cost_usd_per_second": "1"}, "By the second or by tokens: leave this empty."),
        ({**RAW, "estimate_tokens": ""}, "Give a tariff by the second; or, for raw tokens"),
        ({**RAW, "estimate_tokens": "0"}, "This must be above 0"),
        ({**RAW, "cost_usd_per_million_input": ""}, "an estimate and both costs per million"),
        ({**NEW, "source": ""}, "This field is required."),
        ({**NEW, **moment(LONG_AGO)}, "can’t start in the past"),
        ({**NEW, **moment(LONG_AGO, "retires_at")}, "ends after"),
    ],
)
def test_an_incomplete_price_is_refused_in_a_sentence(
    desk: Client, form: dict[str, str], sentence: str
) -> None:
    answer = desk.post(f"{CARDS}add/", form)

    assert answer.status_code == 200
    assert sentence in answer.content.decode().replace("&#x27;", "’")
    assert in_force().usd_per_second == Decimal("0.15")


def test_two_prices_for_one_time_are_refused_in_a_sentence(desk: Client) -> None:
    card = future_card()

    answer = desk.post(
        f"{CARDS}add/", {**NEW, **moment(card.effective_from.replace(microsecond=0))}
    )
    again = desk.post(f"{CARDS}add/", {**NEW, **moment(card.effective_from.replace(microsecond=0))})

    assert answer.status_code == 302
    assert "already a price for this model and resolution" in again.content.decode()


def test_a_price_in_force_cannot_be_edited(desk: Client) -> None:
    url = f"{CARDS}{in_force().pk}/change/"

    page = desk.get(url).content.decode()
    answer = desk.post(url, {**NEW, "usd_per_second": "9"})

    assert 'name="usd_per_second"' not in page
    assert "only its end can still be changed" in answer.content.decode()
    assert in_force().usd_per_second == Decimal("0.15")


def test_a_price_in_force_can_be_ended(desk: Client) -> None:
    card = in_force()
    end = timezone.now() + timedelta(days=2)

    answer = desk.post(f"{CARDS}{card.pk}/change/", {"enabled": "on", **moment(end, "retires_at")})

    assert answer.status_code == 302
    card.refresh_from_db()
    assert card.retires_at == end.replace(microsecond=0)


def test_a_price_in_force_can_be_disabled(desk: Client) -> None:
    card = in_force()

    desk.post(f"{CARDS}{card.pk}/change/", {})

    card.refresh_from_db()
    assert not card.enabled
    assert card.usd_per_second == Decimal("0.15")


def test_a_price_for_later_can_be_edited(desk: Client) -> None:
    card = future_card()

    answer = desk.post(
        f"{CARDS}{card.pk}/change/",
        {**NEW, "usd_per_second": "0.31", **moment(card.effective_from)},
    )

    assert answer.status_code == 302
    card.refresh_from_db()
    assert card.usd_per_second == Decimal("0.31")


def test_only_a_price_for_later_can_be_deleted(desk: Client) -> None:
    card, current = future_card(), in_force()

    deleted = desk.post(f"{CARDS}{card.pk}/delete/", {"post": "yes"})
    refused = desk.post(f"{CARDS}{current.pk}/delete/", {"post": "yes"})

    assert (deleted.status_code, refused.status_code) == (302, 403)
    assert not RateCard.objects.filter(pk=card.pk).exists()
    assert RateCard.objects.filter(pk=current.pk).exists()


def test_a_new_price_can_be_made_from_an_old_one(desk: Client) -> None:
    page = desk.get(f"{CARDS}{in_force().pk}/copy/", follow=True).content.decode()

    assert f'value="{FAST}"' in page
    assert 'value="0.150000"' in page
    assert RateCard.objects.filter(model=FAST, resolution="720p").count() == 1


def test_the_list_tells_which_prices_count(desk: Client) -> None:
    future_card()

    now = desk.get(CARDS, {"in_force": "now"}).context["cl"].result_list
    later = desk.get(CARDS, {"in_force": "later"}).context["cl"].result_list
    over = desk.get(CARDS, {"in_force": "over"}).context["cl"].result_list

    assert {card.pk for card in now} == {c.pk for c in rates.cards_in_force(at=timezone.now())}
    assert [card.model for card in later].count(FAST) == 1
    assert {card.model for card in over} >= {"veo-3.0-fast-generate-001"}


def test_how_a_price_stands_is_said_in_the_readers_language(desk: Client) -> None:
    page = desk.get(CARDS, {"in_force": "over"}, headers={"accept-language": "ko"}).content.decode()

    assert "종료됨" in page
    assert "retired" not in page


def test_a_new_conversion_rate_counts_from_its_date(desk: Client) -> None:
    form = {"tokens_per_usd": "900", "source": "a decision", "effective_from_0": ""}

    answer = desk.post(f"{CONVERSIONS}add/", {**form, "effective_from_1": ""})

    assert answer.status_code == 302
    assert rates.tokens_per_usd(at=timezone.now()) == Decimal(900)


@pytest.mark.parametrize("rate", ["0", "-3", "", "x"])
def test_a_conversion_rate_is_more_than_nothing(desk: Client, rate: str) -> None:
    answer = desk.post(f"{CONVERSIONS}add/", {"tokens_per_usd": rate, "source": "x"})

    assert answer.status_code == 200
    assert ConversionRate.objects.count() == 1


def test_a_conversion_rate_in_force_is_history(desk: Client) -> None:
    url = f"{CONVERSIONS}{ConversionRate.objects.get().pk}/"

    changed = desk.post(f"{url}change/", {"tokens_per_usd": "1", "source": "x"})
    deleted = desk.post(f"{url}delete/", {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert ConversionRate.objects.get().tokens_per_usd == Decimal(833)


@pytest.mark.parametrize("path", [f"{CARDS}add/", f"{CONVERSIONS}add/"])
def test_who_may_only_look_at_prices_sets_none(bob: User, path: str) -> None:
    clerk = signed_in(allow(bob, "view_ratecard", "view_conversionrate"))
    form: dict[str, Any] = {**NEW, "tokens_per_usd": "1"}

    assert clerk.get(path).status_code == 403
    assert clerk.post(path, form).status_code == 403
    assert in_force().usd_per_second == Decimal("0.15")


def test_a_preview_shows_the_last_jobs_at_the_new_price_and_stores_nothing(
    desk: Client, alice: User
) -> None:
    job_id = spend(alice)

    page = desk.post(f"{CARDS}add/", {**NEW, "_preview": "1"}).content.decode()

    assert "1,000 → 1,333" in page
    assert "$1.20 → $1.60" in page
    assert f"/admin/generation/short/{job_id}/change/" in page
    assert 'value="0.20"' in page
    assert RateCard.objects.filter(model=FAST, resolution="720p").count() == 1


def test_a_preview_of_an_incomplete_price_says_what_is_missing(desk: Client, alice: User) -> None:
    spend(alice)

    page = desk.post(
        f"{CARDS}add/", {**NEW, "usd_per_second": "", "_preview": "1"}
    ).content.decode()

    assert "Give a tariff by the second" in page
    assert "What this price would have done" not in page


def test_a_conversion_rate_is_previewed_too(desk: Client, alice: User) -> None:
    spend(alice)
    form = {"tokens_per_usd": "900", "source": "a decision", "_preview": "1"}

    page = desk.post(f"{CONVERSIONS}add/", form).content.decode()

    assert "1,000 → 1,080" in page
    assert "+80" in page
    assert ConversionRate.objects.count() == 1


def test_a_price_for_later_is_shown_with_what_it_would_have_done(desk: Client, alice: User) -> None:
    spend(alice)

    later = desk.get(f"{CARDS}{future_card().pk}/change/").content.decode()
    now = desk.get(f"{CARDS}{in_force().pk}/change/").content.decode()

    assert "What this price would have done" in later
    assert "_preview" in later
    assert "_preview" not in now


def test_who_may_only_look_at_prices_previews_none(bob: User) -> None:
    clerk = signed_in(allow(bob, "view_ratecard"))

    assert clerk.post(f"{CARDS}add/", {**NEW, "_preview": "1"}).status_code == 403
