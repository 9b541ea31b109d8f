"""The receipt on a short's page: readable by anyone, and each figure can be followed up."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from generation import receipt_words
from generation.models import State
from metering import staff
from metering.models import LedgerEntry
from metering.receipts import PricesSince, Receipt, ReceiptLeg
from shortsproject.local.gemini import StandIn
from tests.factories import AT
from tests.generation import driving
from tests.generation.browsing import text
from tests.generation.thought_of import analysis, leg

SINCE = PricesSince(cards={1: AT}, conversion=AT)


def summary(*legs: ReceiptLeg) -> str:
    return receipt_words.summary(receipt=Receipt(legs=legs), seconds=8)


def shown(one: ReceiptLeg) -> dict[str, object]:
    """A receipt of this one leg."""
    receipt = receipt_words.of(receipt=Receipt(legs=(one,)), since=SINCE, seconds=8)
    return receipt["legs"][0]


@pytest.mark.django_db(transaction=True)
def test_the_receipt_can_be_checked_with_a_calculator(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice, seconds=8), State.SUCCEEDED)

    response = web.get(f"/shorts/{short.pk}")

    analysis, video = response.context["receipt"]["legs"]
    receipt = response.context["receipt"]
    assert (video["formula"], video["usd"]) == ("8 s × $0.15 × 833", "$1.20")
    assert (video["result"], video["charged"]) == ("= 999.6, rounded to 1,000", 1000)
    assert analysis["formula"] == f"{analysis['charged']} × 1"
    assert receipt["held"] == 1500
    assert receipt["charged"] + receipt["returned"] == 1500
    assert "8 s of video in 720p as reported by the provider" in text(response)
    assert receipt["summary"].startswith(f"{receipt['charged']:,} tokens were taken: ")


@pytest.mark.django_db(transaction=True)
def test_every_figure_leads_to_its_line_in_the_statement(
    web: Client, alice: User, staff: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice), State.SUCCEEDED)
    refund(short.pk, staff)

    page = web.get(f"/shorts/{short.pk}").content.decode()

    entries = LedgerEntry.objects.filter(job_id=short.pk).order_by("id")
    assert [entry.kind for entry in entries] == ["charge", "charge", "refund"]
    links = [f'href="/usage?entry={entry.pk}#entry-{entry.pk}"' for entry in entries]
    assert [link in page for link in links] == [True, True, True]
    statement = web.get(f"/usage?entry={entries[2].pk}").content.decode()
    assert f'id="entry-{entries[2].pk}"' in statement


def refund(job_id: object, actor: User) -> None:
    video = LedgerEntry.objects.filter(job_id=job_id, kind="charge").latest("id")
    staff.refund(entry_id=video.pk, tokens=100, actor=actor, reason="test", at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_each_price_says_since_when_it_is_in_force(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice), State.SUCCEEDED)

    legs = web.get(f"/shorts/{short.pk}").context["receipt"]["legs"]

    assert [[words for words, _since in one["rates"]] for one in legs] == [
        ["1 token for each that Gemini reports"],
        ["$0.15 for each second", "833 tokens per dollar"],
    ]
    assert all(since < short.created_at for one in legs for _words, since in one["rates"])


def test_what_is_held_is_on_the_receipt_from_the_start(web: Client, alice: User) -> None:
    short = driving.begin(alice, seconds=8)

    response = web.get(f"/shorts/{short.pk}")

    states = [one["state"] for one in response.context["receipt"]["legs"]]
    assert states == ["held", "held"]
    assert "Total 1,500 0 0" in text(response)
    assert "$1.20 estimated" in text(response)
    assert "Veo 3.1 Fast" in text(response)
    held = "1,500 tokens are held: 500 for looking at the picture, 1,000 for 8 s of video."
    assert held in text(response)


def test_the_whole_is_told_in_sentences() -> None:
    assert summary(analysis(), leg()) == (
        "1,487 tokens were taken: 487 for looking at the picture, 1,000 for 8 s of video."
        " 13 held tokens were given back."
    )
    assert summary(analysis(), leg(state="open")) == (
        "487 tokens were taken for looking at the picture. 1,000 tokens are held for 8 s of video."
        " 13 held tokens were given back."
    )
    assert summary(leg(state="due")) == "1,000 tokens are held for 8 s of video."
    assert summary(analysis("released"), leg(state="released")) == (
        "No tokens were taken. 1,500 held tokens were given back."
    )
    assert summary(leg(refunded_tokens=1000)) == (
        "1,000 tokens were taken for 8 s of video. 1,000 tokens were refunded."
    )
    assert summary(leg(charged_tokens=1, refunded_tokens=1)) == (
        "1 token was taken for 8 s of video. 1 token was refunded."
    )
    assert summary() == "No tokens were taken."


def test_an_analysis_that_was_taken_over_is_said_to_cost_nothing() -> None:
    taken_over = analysis("reused", estimated_tokens=0, charged_tokens=0)

    assert summary(taken_over, leg()) == "1,000 tokens were taken for 8 s of video."
    assert str(shown(taken_over)["state"]) == "taken over from an earlier video, at no charge"
    assert shown(taken_over)["rates"] == []


@pytest.mark.parametrize(
    ("state", "settled"),
    [("open", False), ("due", False), ("captured", True), ("released", True), ("reused", True)],
)
def test_it_is_settled_once_nothing_is_held_or_about_to_be_charged(
    state: str, settled: bool
) -> None:
    receipt = Receipt(legs=(analysis(), leg(state=state)))

    assert receipt_words.is_settled(receipt) is settled


def test_what_was_taken_above_the_estimate_is_said() -> None:
    assert shown(analysis(charged_tokens=2300))["over"] == 1800
    assert shown(analysis())["over"] == 0
    assert shown(leg(state="open"))["over"] == 0


def test_what_is_held_for_an_unknown_outcome_is_called_so() -> None:
    one = shown(leg(state="open", parked=True))

    assert one["state"] == "held until the outcome is certain"


def test_a_result_that_needs_no_rounding_is_not_said_to_be_rounded() -> None:
    even = leg(usd=Decimal("1.00"), tokens_per_usd=Decimal("1000.0000"), formula="f")

    assert shown(even)["result"] == "= 1,000"
    assert shown(leg(state="open"))["result"] == ""


def test_the_counts_of_an_analysis_are_told_in_words() -> None:
    counts = {"prompt": 1310, "candidates": 97, "thoughts": 0, "cached": 0, "total": 1407}

    assert shown(analysis(usage=counts))["usage"] == (
        "1,310 for picture and question, 97 for the answer, 1,407 in all"
    )
    assert shown(analysis(usage={"total": None}))["usage"] == "no counts reported"


def test_the_receipt_speaks_korean() -> None:
    with translation.override("ko"):
        told = summary(analysis(), leg(state="open"))

    assert told == (
        "사진 분석에 토큰 487개가 차감되었습니다. 8초 영상에 토큰 1,000개가 예약되어 있습니다."
        " 예약된 토큰 13개가 반환되었습니다."
    )


def test_the_calculation_groups_its_figures_as_its_result_does() -> None:
    long = shown(analysis(charged_tokens=1301, usage={"total": 1301}, formula="1301 × 1"))

    assert (long["formula"], long["result"]) == ("1,301 × 1", "= 1,301")


def test_the_calculation_speaks_korean() -> None:
    video = leg(usage={"seconds": 8, "resolution": "720p"}, formula="8 s × $0.15 × 833")

    with translation.override("ko"):
        told = shown(video)

    assert told["formula"] == "8초 × $0.15 × 833"
