import pickle
import time

import google.auth.exceptions
import httpx2
import pydantic
import pytest
from google.genai import types

from generation.providers import certainty, cleaning, clients
from generation.providers.outcomes import NotAccepted, PollFailed, Refused, Unclear
from generation.providers.routes import NotConfiguredError
from tests.generation.providers import raw_server

GOOGLE = "type.googleapis.com/google.rpc."
PER_DAY = {
    "@type": GOOGLE + "QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
}
PER_MINUTE = {
    "@type": GOOGLE + "QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
}


class Model(pydantic.BaseModel):
    """Anything that can fail to validate."""

    number: int


def delay(seconds):
    """Google's way to say when to come back."""
    return {"@type": GOOGLE + "RetryInfo", "retryDelay": seconds}


def call(*, sent=False, status=None):
    """A call that got as far as that."""
    return clients.Call(ends_at=time.monotonic() + 5, most_bytes=1000, sent=sent, status=status)


def validation_error():
    """The error that a bad argument and a bad answer have in common."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Model(number="a secret text")
    return caught.value


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        httpx2.UnsupportedProtocol("ftp"),
        httpx2.ConnectError("[Errno 111] Connection refused"),
        httpx2.ConnectTimeout("timed out"),
        httpx2.PoolTimeout("timed out"),
        httpx2.ProxyError("407 Proxy Authentication Required"),
        httpx2.WriteTimeout("timed out"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_never_reached_the_provider_was_not_taken(error, sent):
    outcome = certainty.of_spending(error, call(sent=sent))

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"
    assert outcome.detail == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("status", [None, 200, 500])
@pytest.mark.parametrize(
    "error",
    [
        httpx2.ReadTimeout("timed out"),
        httpx2.ReadError("[Errno 104] Connection reset by peer"),
        httpx2.WriteError("[Errno 32] Broken pipe"),
        httpx2.RemoteProtocolError("Server disconnected without sending a response."),
        clients.UnreadableAnswerError("too large"),
        ValueError("Expecting value"),
        RuntimeError("anything"),
        RecursionError("too deep"),
        MemoryError(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_happened_after_sending_is_unclear_and_answered_by_a_200_only(error, status):
    outcome = certainty.of_spending(error, call(sent=True, status=status))

    assert isinstance(outcome, Unclear)
    assert outcome.answered is (status == 200)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        TypeError("bad"),
        UnicodeError("bad"),
        httpx2.LocalProtocolError("Illegal header value"),
        NotConfiguredError("set something"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_request_that_could_not_be_built_is_refused_for_good(error):
    outcome = certainty.of_spending(error, call())

    assert isinstance(outcome, Refused)
    assert outcome.status == 0
    assert not outcome.model_gone


class Strict(pydantic.BaseModel, extra="forbid"):
    """A model of the SDK that has lost a field."""


def dropped_field():
    """The error of a parameter that the SDK does not know any more."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Strict(generate_audio=True)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        ValueError("This method is only supported in Gemini Enterprise Agent Platform mode."),
        ValueError("generate_audio parameter is not supported in Gemini API."),
        TypeError("create() got an unexpected keyword argument 'store'"),
        AttributeError("'Models' object has no attribute 'generate_videos'"),
        ImportError("cannot import name 'GenerateVideosSource'"),
        dropped_field(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_sdk_does_not_do_any_more_blames_the_model_before_sending_only(error):
    before = certainty.of_spending(error, call())
    after = certainty.of_spending(error, call(sent=True, status=200))

    assert isinstance(before, Refused)
    assert (before.status, before.model_gone) == (0, True)
    assert isinstance(after, Unclear)


def test_the_sdks_own_words_for_a_call_of_the_other_platform_blame_the_model(stand_in):
    source = types.GenerateVideosSource(prompt="A slow pan")
    with clients.call(deadline_seconds=5, most_bytes=1000) as under_way:
        veo = clients.developer().models
        with pytest.raises(ValueError, match="Enterprise") as caught:
            veo.generate_videos(model="veo-3.1-fast-generate-001", source=source)

    outcome = certainty.of_spending(caught.value, under_way)

    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.model_gone) == (0, True)
    assert stand_in.requests == []


def test_a_validation_error_means_refused_before_and_unclear_after_sending():
    error = validation_error()

    before = certainty.of_spending(error, call())
    after = certainty.of_spending(error, call(sent=True, status=200))

    assert before == Refused(0, "ValidationError: 1 fields of Model")
    assert after == Unclear("ValidationError: 1 fields of Model", answered=True)


def test_a_closed_client_was_not_taken():
    error = RuntimeError("Cannot send a request, as the client has been closed.")

    assert isinstance(certainty.of_spending(error, call()), NotAccepted)


@pytest.mark.parametrize(
    ("error", "outcome", "alarming"),
    [
        (google.auth.exceptions.DefaultCredentialsError("none found"), Refused, True),
        (google.auth.exceptions.RefreshError("revoked"), Refused, True),
        (google.auth.exceptions.RefreshError("later", retryable=True), NotAccepted, False),
        (google.auth.exceptions.TransportError("no network"), NotAccepted, False),
    ],
)
def test_a_login_that_fails_was_not_taken(error, outcome, alarming):
    spending = certainty.of_spending(error, call())
    asking = certainty.of_poll(error, call())

    assert isinstance(spending, outcome)
    assert asking == PollFailed(spending.detail, alarming=alarming)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("details", "headers", "kind", "wait"),
    [
        ([delay("38s")], {}, "busy", 38.0),
        ([delay("34.074824224s")], {}, "busy", 34.074824224),
        ([PER_MINUTE, delay("38s")], {}, "busy", 38.0),
        ([PER_DAY, delay("38s")], {}, "daily_limit", 38.0),
        ([PER_DAY], {}, "daily_limit", None),
        ([delay("38s")], {"Retry-After": "7"}, "busy", 38.0),
        ([], {"Retry-After": "7"}, "busy", 7.0),
        ([delay("soon")], {"Retry-After": "7"}, "busy", 7.0),
        ([], {"Retry-After": "tomorrow"}, "busy", None),
        ([], {"Retry-After": "-5"}, "busy", None),
        ([delay("999999999s")], {}, "busy", 604_800.0),
        ("odd", {}, "busy", None),
        (["odd", None, {"@type": 5}], {}, "busy", None),
    ],
)
def test_a_429_says_for_how_long_and_of_which_kind(stand_in, submit, details, headers, kind, wait):
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m", "details": details}
    stand_in.next("submit", status=429, body={"error": error}, headers=headers)

    outcome = submit()

    assert outcome == NotAccepted("429 RESOURCE_EXHAUSTED: m", kind, wait)
    assert stand_in.counts()["calls"]["submit"] == 1


@pytest.mark.parametrize(
    ("until", "wait"),
    [
        ("Wed, 25 Nov 2026 10:02:00 GMT", 120.0),
        ("Wed, 25 Nov 2026 09:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2026 10:02:00 -0000", None),
    ],
)
def test_a_date_to_come_back_at_is_counted_from_the_providers_clock(raw, poll, until, wait):
    headers = ("Date: Wed, 25 Nov 2026 10:00:00 GMT", f"Retry-After: {until}")
    raw(raw_server.answer(b"busy", status="503 Service Unavailable", headers=headers))

    outcome = poll()

    assert isinstance(outcome, PollFailed)
    assert outcome.retry_after_seconds == wait


@pytest.mark.django_db
def test_a_wait_that_stands_in_the_message_only_is_read_there(stand_in, submit):
    message = "You exceeded your current quota. Please retry in 34.07s."
    stand_in.next("submit", status=429, body={"error": {"code": 429, "message": message}})

    outcome = submit()

    assert isinstance(outcome, NotAccepted)
    assert outcome.retry_after_seconds == 34.07


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "name", "message", "gone"),
    [
        (404, "NOT_FOUND", "Publisher model x is no longer available.", True),
        (404, "NOT_FOUND", "Publisher model x was not found.", True),
        (400, "INVALID_ARGUMENT", "durationSeconds must be one of 4, 6, 8.", True),
        (400, "INVALID_ARGUMENT", "Unsupported output video duration 8 seconds.", True),
        (400, "INVALID_ARGUMENT", "aspectRatio 9:16 is not supported.", True),
        (400, "INVALID_ARGUMENT", "Unsupported output video resolution 1080p.", True),
        (400, "INVALID_ARGUMENT", 'Invalid JSON payload: Unknown name "generateAudio"', True),
        (400, "INVALID_ARGUMENT", "personGeneration is not a valid parameter", True),
        (400, "INVALID_ARGUMENT", "Unable to process input image.", False),
        (400, "INVALID_ARGUMENT", "Unable to process input image: resolution too low.", False),
        (400, "INVALID_ARGUMENT", "Provided image is not valid.", False),
        (400, "INVALID_ARGUMENT", "Unsupported MIME type: image/jpg", False),
        (400, "INVALID_ARGUMENT", "The prompt violates our usage guidelines.", False),
        (400, "INVALID_ARGUMENT", "Blocked by a safety parameter.", False),
        (400, "INVALID_ARGUMENT", "API key not valid.", False),
        (400, "FAILED_PRECONDITION", "Billing parameter missing.", False),
        (403, "PERMISSION_DENIED", "resolution", False),
    ],
)
def test_a_refusal_blames_the_model_only_where_the_next_job_would_fail_too(
    stand_in, submit, status, name, message, gone
):
    error = {"code": status, "status": name, "message": message}
    stand_in.next("submit", status=status, body={"error": error})

    outcome = submit()

    assert isinstance(outcome, Refused)
    assert outcome.model_gone is gone


@pytest.mark.django_db
def test_a_503_with_another_name_in_the_envelope_is_unclear(stand_in, submit):
    error = {"code": 503, "status": "DEADLINE_EXCEEDED", "message": "m"}
    stand_in.next("submit", status=503, body={"error": error})

    assert submit() == Unclear("503 DEADLINE_EXCEEDED: m")


@pytest.mark.django_db
def test_an_outcome_carries_nothing_of_the_request(stand_in, settings, submit):
    settings.GEMINI_API_KEY = "a-very-secret-word"
    stand_in.next("submit", status=400)

    stored = pickle.dumps(submit(prompt="A private wish"))

    assert b"secret" not in stored
    assert b"private" not in stored


@pytest.mark.parametrize(
    ("text", "most", "cleaned"),
    [
        ("plain", 9, "plain"),
        ("a\x00b\x07c\x9fd", 9, "abcd"),
        ("a\ud800b\udfffc", 9, "abc"),
        ("a\r\nb\rc\td", 9, "a\nb\nc\td"),
        ("  edges \n", 9, "edges"),
        ("abc\u202ecba", 9, "abccba"),
        ("abcdef", 3, "abc"),
        ("abc def", 4, "abc"),
        ("ne\u0301e", 2, "n"),
        ("ab\u2764\ufe0f", 3, "ab"),
        ("\U0001f469\u200d\U0001f680", 2, "\U0001f469\u200d"),
        ("가나다", 2, "가나"),
        ("", 3, ""),
    ],
)
def test_cleaned_text_can_be_stored_and_is_cut_between_characters(text, most, cleaned):
    assert cleaning.clean(text, most=most) == cleaned


def test_cleaned_text_on_one_line_has_single_spaces():
    assert cleaning.clean(" a \x00 b\n\n c\u3000d ", most=20, one_line=True) == "a b c d"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://host.example/a?b=c now", "see ••• now"),
        ("gs://bucket/x and http://169.254.169.254/", "••• and •••"),
        ("key=abc&alt=media", "•••&alt=media"),
        ("x-goog-api-key AIzaSyA-1234567890_abc", "x-goog-api-key •••"),
        ("Authorization: Bearer ya29.a0Af_x", "Authorization: •••"),
        ("AI\x00zaSyA-1234567890", "•••"),
        ("two\nlines", "two lines"),
        ("x" * 999, "x" * 300),
    ],
)
def test_a_detail_hides_addresses_and_keys(text, shown):
    assert cleaning.detail(text) == shown
