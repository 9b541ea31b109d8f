"""What is certain about a call that did not end well: was it taken or not?

The one table that money hangs on. "Surely not taken" lets a call be repeated or its hold be
released; everything else is unclear, and an unclear submit is never repeated, because a second
accepted one is a second paid render.

    nothing was sent (building, login, route, connection)         surely not taken
    nothing was sent, for the SDK has no such call any more       refused for good, by the SDK
    connection refused, no name, TLS, no answer to connecting     surely not taken
    the body could not be sent in time                            surely not taken: it was cut
    400, 401, 403, 404, 413 in Google's envelope                  refused for good
    429 in Google's envelope                                      surely not taken: wait
    503 UNAVAILABLE in Google's envelope                          not taken, by convention
    read timeout, reset, disconnect, cut or garbled answer        unclear
    500, 502, 504, 408, 3xx, any other status, or no envelope     unclear
    200 that cannot be read, or says nothing                      unclear, but answered

An answer without the envelope may come from something between us and Google, which may have passed
the call on. Errors raised while building a request and while reading its answer share their
classes (ValueError), so `Call.sent` tells them apart. Times are seconds.

The SDK's interactions raise errors of their own, from a private module: an answer is told by its
`status_code`, and a broken connection by the error below it.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import google.auth.exceptions
import httpx2
import pydantic
from django.conf import settings
from google.genai import errors

from generation.providers import cleaning, clients, routes
from generation.providers.outcomes import NotAccepted, PollFailed, Refused, Unclear

UNREACHABLE, BUSY, DAILY_LIMIT = "unreachable", "busy", "daily_limit"
NO_STATUS = 0
LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0
DAILY_WAIT_SECONDS = 3600.0

_NEVER_REACHED = (
    httpx2.UnsupportedProtocol,
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.WriteTimeout,
)
_UNBUILDABLE = (ValueError, TypeError, AttributeError, ImportError, httpx2.LocalProtocolError)
_BROKEN = (httpx2.HTTPError, clients.UnreadableAnswerError, routes.NotConfiguredError)
_REFUSING = frozenset({400, 401, 403, 404, 413})
_ALARMING = frozenset({401, 403, 404})
_WAITING = frozenset({429, 503})
_REDIRECTING = frozenset({301, 302, 303, 307, 308})

_ABOUT_THE_JOB = re.compile(
    r"(?:input|provided|reference) image|image is|process\b.{0,20}\bimage|mime"
    r"|safety|guideline|violat|polic(?:y|ies)|responsible|sensitive|blocked",
    re.IGNORECASE,
)
_ABOUT_A_PARAMETER = re.compile(
    r"parameter|unknown name|duration|aspect.?ratio|resolution|sample.?count"
    r"|person.?generation|generate.?audio|thinking|schema",
    re.IGNORECASE,
)
_DROPPED_BY_THE_SDK = re.compile(
    r"only supported in|not supported in|unexpected keyword argument", re.IGNORECASE
)
_GUIDELINES = re.compile(r"guideline|violat|safety|responsible|support codes", re.IGNORECASE)
MOST_REASONS = 5


@dataclass(frozen=True)
class _Answer:
    """An answer that was no success, whichever part of the SDK has raised it."""

    code: int
    status: str
    message: str
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


def of_spending(error: Exception, call: clients.Call) -> Unclear | NotAccepted | Refused:
    """What a failed analysis or submit means."""
    answer = _answer(error)
    if answer is not None:
        return _of_answer(answer)
    error = _plain(error)
    if isinstance(error, _NEVER_REACHED):
        return NotAccepted(detail=describe(error), kind=UNREACHABLE)
    if not call.sent:
        return _of_unsent(error)
    return Unclear(detail=describe(error), answered=call.status == 200)


def of_poll(error: Exception, call: clients.Call) -> PollFailed:
    """What a failed question means: nothing for the render, but perhaps something for staff."""
    answer = _answer(error)
    if answer is not None:
        wait = _wait_seconds(answer) if answer.code in _WAITING else None
        if answer.code == 429 and _names_a_day(_envelope(answer) or {}):
            return PollFailed(_describe(answer), True, max(wait or 0.0, DAILY_WAIT_SECONDS))
        return PollFailed(_describe(answer), answer.code in _ALARMING, wait)
    error = _plain(error)
    if isinstance(error, _NEVER_REACHED) or call.sent:
        return PollFailed(describe(error))
    return PollFailed(describe(error), alarming=isinstance(_of_unsent(error), Refused))


def describe(error: Exception) -> str:
    """A line for staff: no key, no address, and nothing of what an error quotes of a request."""
    answer = _answer(error)
    if answer is not None:
        return _describe(answer)
    error = _plain(error)
    if isinstance(error, pydantic.ValidationError):
        words = f"{type(error).__name__}: {error.error_count()} fields of {error.title}"
    elif isinstance(error, httpx2.LocalProtocolError):
        # It quotes the header, which may be the key's.
        words = f"{type(error).__name__}: the request cannot be written as HTTP"
    else:
        words = f"{type(error).__name__}: {error}"
    return detail(words)


def detail(words: str) -> str:
    """A line for staff, cleaned of secrets and cut."""
    return cleaning.detail(words, secret=settings.GEMINI_API_KEY.strip())


def speaks_of_safety(words: str) -> bool:
    """Whether the words of a failed render say that the safety filter held it back."""
    return bool(_GUIDELINES.search(words))


def reasons(texts: Sequence[str]) -> tuple[str, ...]:
    """Why the safety filter held a video back: the first few texts, each a line."""
    cleaned = (detail(text) for text in texts[:MOST_REASONS])
    return tuple(text for text in cleaned if text)


def redirect(error: Exception) -> str:
    """Where an answer sends the caller on to; empty if it does not."""
    answer = _answer(error)
    if answer is None or answer.code not in _REDIRECTING:
        return ""
    return answer.headers.get("location", "")


def _describe(answer: _Answer) -> str:
    return detail(f"{answer.code} {answer.status}: {answer.message or 'no message'}")


def _answer(error: Exception) -> _Answer | None:
    """The answer in an error of the SDK; None when there was none, or it was a 200."""
    if isinstance(error, errors.APIError):
        headers = error.response.headers if error.response is not None else {}
        return _Answer(error.code, error.status or "", error.message or "", error.details, headers)
    code = getattr(error, "status_code", None)
    if not isinstance(code, int) or code == 200:
        return None
    body = getattr(error, "body", None)
    if isinstance(body, list) and len(body) == 1:
        (body,) = body
    inner = body.get("error") if isinstance(body, dict) else None
    said = inner if isinstance(inner, dict) else {"message": str(body or "")}
    headers = getattr(getattr(error, "response", None), "headers", {})
    return _Answer(code, str(said.get("status", "")), str(said.get("message", "")), body, headers)


def _plain(error: Exception) -> Exception:
    """The error of the network below one of the SDK's own, which only wraps it."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, _BROKEN):
        below = below.__cause__
    return below if isinstance(below, Exception) else error


def _of_unsent(error: Exception) -> NotAccepted | Refused:
    """Nothing went out. What cannot change by itself is refused, the rest may be tried again."""
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        if error.retryable or isinstance(error, google.auth.exceptions.TransportError):
            return NotAccepted(detail=describe(error), kind=UNREACHABLE)
        return Refused(status=401, detail=describe(error))
    if isinstance(error, routes.NotConfiguredError):
        return Refused(status=NO_STATUS, detail=detail(str(error)))
    if isinstance(error, _UNBUILDABLE):
        return Refused(NO_STATUS, describe(error), model_gone=_is_dropped(error))
    return NotAccepted(detail=describe(error), kind=UNREACHABLE)


def _is_dropped(error: Exception) -> bool:
    """Whether the SDK has no such call or parameter any more, so that every job would fail."""
    if isinstance(error, pydantic.ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return any(one["type"] == "extra_forbidden" for one in found)
    missing = isinstance(error, AttributeError | ImportError)
    return missing or bool(_DROPPED_BY_THE_SDK.search(str(error)))


def _of_answer(error: _Answer) -> Unclear | NotAccepted | Refused:
    envelope = _envelope(error)
    said = _describe(error)
    if envelope is None:
        return Unclear(detail=said)
    if error.code in _REFUSING:
        return Refused(error.code, said, _is_model_gone(error.code, envelope))
    if error.code == 429:
        kind = DAILY_LIMIT if _names_a_day(envelope) else BUSY
        return NotAccepted(said, kind, _wait_seconds(error))
    if error.code == 503 and envelope.get("status", "UNAVAILABLE") == "UNAVAILABLE":
        return NotAccepted(said, BUSY, _wait_seconds(error))
    return Unclear(detail=said)


def _envelope(error: _Answer) -> Mapping[str, Any] | None:
    """Google's own error object; None when the answer came from something else."""
    body = error.body
    inner = body.get("error") if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) and inner.get("code") == error.code else None


def _is_model_gone(status: int, envelope: Mapping[str, Any]) -> bool:
    """Whether the next job would be refused too: no such model, or a parameter no longer taken."""
    if status == 404:
        return True
    message = str(envelope.get("message", ""))
    return (
        status == 400
        and envelope.get("status", "INVALID_ARGUMENT") == "INVALID_ARGUMENT"
        and not _ABOUT_THE_JOB.search(message)
        and bool(_ABOUT_A_PARAMETER.search(message))
    )


def _details(envelope: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """The entries of `details` whose type ends so."""
    details = envelope.get("details")
    for entry in details if isinstance(details, list) else []:
        if isinstance(entry, dict) and str(entry.get("@type", "")).endswith(kind):
            yield entry


def _names_a_day(envelope: Mapping[str, Any]) -> bool:
    return any("perday" in str(entry).lower() for entry in _details(envelope, "QuotaFailure"))


def _wait_seconds(error: _Answer) -> float | None:
    """How long to stay away: RetryInfo, else the header, else the message; None if unsaid."""
    envelope = _envelope(error) or {}
    said = [str(entry.get("retryDelay", "")) for entry in _details(envelope, "RetryInfo")]
    seconds = [re.fullmatch(r"(\d{1,9}(?:\.\d+)?)s", delay) for delay in said]
    for match in seconds:
        if match:
            return _bounded(float(match[1]))
    header = _header_seconds(error.headers)
    if header is not None:
        return _bounded(header)
    in_words = re.search(r"retry in (\d{1,9}(?:\.\d+)?)s\b", str(envelope.get("message", "")))
    return _bounded(float(in_words[1])) if in_words else None


def _header_seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds; its form as a date is counted from the answer's own Date."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", value):
        return float(value)
    until, now = _date(value), _date(headers.get("date", ""))
    return (until - now).total_seconds() if until and now else None


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def _bounded(seconds: float) -> float | None:
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else None
