"""What the studio says when it begins nothing: why, what to do, and that no tokens were taken."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from generation.models import ModelGate, Short
from generation.pipeline import start
from metering import ledger, queries
from metering.models import RateCard, TokenLedger
from tests.generation.browsing import FAST, PICTURE, limit, order, text


def no_limit_left(user: User) -> None:
    limit(user, 1499)


def all_places_taken(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(max_in_flight=0)


def suspended(user: User) -> None:
    TokenLedger.objects.filter(user=user).update(suspended=True)


def closed(user: User) -> None:
    ModelGate.objects.create(route="enterprise", model=FAST, closed_at=timezone.now())


def retired(user: User) -> None:
    now = timezone.now()
    RateCard.objects.filter(model=FAST).update(retires_at=now - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        (no_limit_left, 403, "This video needs about 1,500 tokens; 1,499 remain"),
        (all_places_taken, 429, "Videos under way: 0, and at most 0 may be"),
        (suspended, 403, "Your account is suspended"),
        (closed, 409, "This model takes no new jobs at the moment"),
        (retired, 400, "can&#x27;t be had with these settings"),
    ],
)
def test_a_refusal_says_why_keeps_the_words_and_takes_nothing(
    web: Client, alice: User, given: Callable[[User], None], status: int, sentence: str
) -> None:
    given(alice)

    response = order(web, seconds="8", aspect_ratio="9:16")

    page = response.content.decode()
    assert response.status_code == status
    assert sentence in page
    assert re.search(r"[Nn]o tokens were taken", page)
    assert "Only the picture has to be chosen again" in page
    assert "a &lt;slow&gt; pan</textarea>" in page
    assert 'name="aspect_ratio" value="9:16" checked' in page
    assert not Short.objects.exists()


def test_sent_with_javascript_the_picture_has_not_to_be_chosen_again(
    web: Client, alice: User
) -> None:
    no_limit_left(alice)

    response = order(web, htmx=True)

    assert response.status_code == 403
    assert "Your picture and your words are still here." in text(response)
    assert "has to be chosen again" not in text(response)


def test_a_picture_that_can_not_be_used_is_not_said_to_be_a_picture(web: Client) -> None:
    response = order(web, picture=b"plain words", htmx=True)

    assert "What you typed is still here." in text(response)
    assert "Your picture" not in text(response).partition("No tokens were taken.")[2][:100]


@pytest.mark.parametrize(
    ("picture", "fields", "sentence"),
    [
        (b"plain words", {}, "This file is not a picture"),
        (PICTURE[:400], {}, "The picture is damaged"),
        (b"", {}, "The file is empty"),
        (None, {}, "No picture was chosen"),
        (PICTURE, {"seconds": "7"}, "The chosen model makes videos of 4, 6, 8 seconds."),
        (PICTURE, {"seconds": "many"}, "Enter a whole number."),
        (PICTURE, {"resolution": "8k"}, "resolution must be one of: 720p, 1080p, 4k."),
        (PICTURE, {"aspect_ratio": "1:1"}, "aspect_ratio must be one of: 16:9, 9:16."),
        (PICTURE, {"prompt": "a" * 1001}, "Your wish is too long: it has 1001 characters"),
    ],
)
def test_a_form_that_cannot_be_used_says_what_to_do(
    web: Client, picture: bytes | None, fields: dict[str, str], sentence: str
) -> None:
    response = order(web, picture=picture, **fields)

    assert response.status_code == 400
    assert sentence in text(response)
    said = response.content.decode().partition('id="said"')[2].partition("</section>")[0]
    assert len(re.findall("no tokens were taken", said, re.IGNORECASE)) == 1
    assert not Short.objects.exists()


def test_two_pictures_are_refused(web: Client) -> None:
    files = [SimpleUploadedFile(name, PICTURE) for name in ("a.jpg", "b.jpg")]

    response = web.post("/", {"image": files, "prompt": "both"})

    assert response.status_code == 400
    assert "More than one picture was sent" in text(response)


def test_a_body_that_is_too_large_is_refused_and_the_words_are_kept(
    web: Client, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 1024

    response = order(web, picture=PICTURE + bytes(100_000), prompt="kept")

    assert response.status_code == 413
    assert "The file is too large" in text(response)
    assert "kept</textarea>" in response.content.decode()
    assert not Short.objects.exists()


def test_a_form_used_for_another_video_before_gets_a_new_key(web: Client) -> None:
    key = str(uuid4())
    order(web, idempotency_key=key)

    response = order(web, idempotency_key=key, prompt="something else")

    assert response.status_code == 409
    assert "This form has begun a video before" in text(response)
    assert key not in response.content.decode()
    assert Short.objects.count() == 1


def test_a_paused_day_is_said_plainly(web: Client, settings: Any) -> None:
    settings.DAILY_SPEND_LIMIT_USD = Decimal("0.10")

    response = order(web)

    assert response.status_code == 503
    assert "New videos are paused for today" in text(response)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ledger.MeteringUnavailable, "so nothing was started and no tokens were taken"),
        (start.OutcomeUnknown, "tell yet whether your video was begun"),
    ],
)
def test_a_start_while_the_database_goes_away_keeps_its_key(
    web: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception], said: str
) -> None:
    def away(**order: object) -> None:
        raise error

    monkeypatch.setattr(start, "run", away)
    key = str(uuid4())

    response = order(web, idempotency_key=key)

    assert response.status_code == 503
    assert said in response.content.decode()
    assert f'value="{key}"' in response.content.decode()


def test_without_figures_the_form_is_still_there(
    web: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**asked: object) -> None:
        raise OperationalError

    monkeypatch.setattr(queries, "balance", away)

    refused = order(web, prompt="kept", picture=None, seconds="6")
    page = refused.content.decode()

    assert web.get("/").status_code == 503
    assert refused.status_code == 400
    assert "kept</textarea>" in page
    assert '<input type="hidden" name="seconds" value="6">' in page
    assert "Your figures can't be shown right now" in page
    assert "Your newest videos" not in page


def test_a_fault_of_ours_is_not_dressed_up_as_a_refusal(
    web: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**order: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(start, "run", broken)
    web.raise_request_exception = False

    response = order(web)

    assert response.status_code == 500
    assert "Something went wrong on our side" in text(response)
