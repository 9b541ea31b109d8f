"""Each unhappy ending, and each wait: what happened, what it cost, what to do next."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from accounts.models import User
from generation import endings, receipt_words, short_page
from generation.models import Short, State
from metering.receipts import PricesSince, Receipt
from shortsproject.local.gemini import StandIn
from tests import factories
from tests.generation import driving, thought_of
from tests.generation.browsing import text

ENDINGS = {**endings.MESSAGES, "canceled": endings.CANCELED}
UNCERTAIN = ("submit_unknown", "overdue", "render_unsettled", "spending_paused", "cancel_requested")
NOTHING_KNOWN = PricesSince(cards={}, conversion=None)


def shown(code: str) -> str:
    """What the page says of an ending: 487 tokens taken, 1,000 held or given back."""
    final = code not in UNCERTAIN
    legs = (thought_of.analysis(), thought_of.leg(state="released" if final else "open"))
    short = thought_of.short(State.FAILED if final else State.QUEUED)
    page = {
        "short": short,
        "final": final,
        "cancelable": not final,
        "ending": ENDINGS[code],
        "ending_tone": "error",
        "acts": short_page.acts(ENDINGS[code], short=short),
        "receipt": receipt_words.of(receipt=Receipt(legs=legs), since=NOTHING_KNOWN, seconds=8),
    }
    return render_to_string("generation/short/ending.html", page)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("code", ENDINGS)
def test_every_ending_says_what_happened_what_it_cost_and_what_to_do(
    code: str, language: str
) -> None:
    with translation.override(language):
        html = shown(code)

    heading, cost, advice = re.search(
        r"<h2[^>]*>(.+?)</h2>.*?<dd>(.+?)</dd>.*?<dd>(.+?)</dd>", html, re.DOTALL
    ).groups()
    assert len(heading) > 10
    assert {"487", "1,000" if code in UNCERTAIN else "1,013"} <= set(re.findall(r"[\d,]+", cost))
    assert len(advice) > 10
    assert re.search(
        r'<a id="act-\w+" class="button[^"]*" href="/[^"]*">.{2,}</a>|form="cancel"', html
    )
    assert ("니다" in heading and "니다" in cost) is (language == "ko")


@pytest.mark.parametrize("code", endings.MESSAGES)
def test_the_api_says_the_same_in_one_go(code: str) -> None:
    ending = endings.MESSAGES[code]

    message = endings.message(code)

    assert message == f"{ending.happened} {ending.tokens} {ending.advice}"
    assert message.endswith(".")


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("given back", {
            "blocked", "no_prompt", "analysis_unreachable", "provider_unreachable",
            "provider_refused", "model_closed", "rejected_by_staff", "cancel_requested",
        }),
        ("No tokens were taken for the video", {"filtered", "render_failed"}),
        ("Its tokens were taken", {"lost"}),
        ("Nothing was charged for it", {"hold_closed"}),
        ("stay held", {"submit_unknown", "overdue", "render_unsettled", "spending_paused"}),
    ],
)  # fmt: skip
def test_what_became_of_the_tokens_is_said_of_each(said: str, codes: set[str]) -> None:
    found = {code for code, one in endings.MESSAGES.items() if said in str(one.tokens)}

    assert found == codes


def test_every_button_has_its_words() -> None:
    used = {act for ending in ENDINGS.values() for act in ending.acts}

    assert used == set(short_page.ACTS)
    assert all(ending.acts for ending in ENDINGS.values())


@pytest.mark.django_db(transaction=True)
def test_a_filtered_short_says_so_and_gives_the_video_back(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    stand_in.next("poll", outcome="filtered")
    short = driving.until(driving.begin(alice, seconds=8), State.FILTERED)

    response = web.get(f"/shorts/{short.pk}")

    assert "There is no video" in text(response)
    assert "The safety filter of the video model held the video back" in text(response)
    assert "The filter's own words, in English:" in text(response)
    assert '<blockquote lang="en">' in response.content.decode()
    assert re.search(r"What it cost 4\d\d tokens were taken for looking at", text(response))
    assert re.search(r"1,0\d\d held tokens were given back", text(response))
    assert f'href="/?again={short.pk}#id_prompt">Try other words</a>' in response.content.decode()
    assert "<video" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_unknown_outcome_is_explained_while_it_is_waited_for(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    stand_in.next("submit", cut="after")
    short = driving.until(driving.begin(alice), State.SUBMIT_UNKNOWN)

    response = web.get(f"/shorts/{short.pk}")

    assert "It is not certain yet whether there is a video" in text(response)
    assert "We do not know yet whether the renderer took the job" in text(response)
    assert "500 tokens are held for 4 s of video" in text(response)
    assert "held until the outcome is certain" in text(response)
    assert 'http-equiv="refresh" content="30"' in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_short_whose_picture_was_declined_says_what_was_taken(
    web: Client, alice: User, stand_in: StandIn
) -> None:
    stand_in.next("analyse", body={"promptFeedback": {"blockReason": "SAFETY"}})
    short = driving.until(driving.begin(alice), State.FAILED)

    response = web.get(f"/shorts/{short.pk}")

    assert "Gemini declined to work with this picture or these words." in text(response)
    assert re.search(r"What it cost [^.]+\..* held tokens were given back", text(response))


def test_words_of_the_filter_are_escaped(web: Client, alice: User) -> None:
    short = factories.short(alice, State.FILTERED)
    Short.objects.filter(pk=short.pk).update(end_code="filtered", end_detail="<b>Support code</b>")

    page = web.get(f"/shorts/{short.pk}").content.decode()

    assert "&lt;b&gt;Support code&lt;/b&gt;" in page


def test_details_for_staff_are_not_shown(web: Client, alice: User) -> None:
    short = factories.short(alice, State.FAILED)
    Short.objects.filter(pk=short.pk).update(end_code="render_failed", end_detail="13: internal")

    assert "13: internal" not in text(web.get(f"/shorts/{short.pk}"))


def test_a_canceled_short_says_who_canceled_it_and_that_all_came_back(
    web: Client, alice: User
) -> None:
    short = driving.begin(alice, seconds=8)

    response = web.post(f"/shorts/{short.pk}/cancel", follow=True)

    assert "You canceled this video." in text(response)
    assert "No tokens were taken. 1,500 held tokens were given back." in text(response)


@pytest.mark.django_db
def test_an_overdue_render_is_explained() -> None:
    page = thought_of.page(
        State.RENDERING, operation_name="o", overdue_at=factories.AT, next_attempt_at=factories.AT
    )

    assert page["ending"] is endings.MESSAGES["overdue"]
    assert page["ending_tone"] == "waiting"
    assert page["refresh"] == short_page.REFRESH_WAITING_SECONDS
    assert str(page["heading"]) == "Your video is being made"


@pytest.mark.django_db
def test_a_short_that_is_being_canceled_is_not_said_to_be_made() -> None:
    page = thought_of.page(State.ANALYZING, cancel_requested_at=factories.AT)

    assert page["ending"] is endings.MESSAGES["cancel_requested"]
    assert str(page["heading"]) == "Your video is being canceled"


@pytest.mark.django_db
def test_a_short_that_waits_for_staff_can_be_canceled_there() -> None:
    page = thought_of.page(State.QUEUED, paused=True, next_attempt_at=factories.AT)

    assert page["ending"] is endings.MESSAGES["spending_paused"]
    assert page["cancelable"]
    assert page["goes_on_at"] == ""
