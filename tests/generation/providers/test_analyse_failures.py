"""An analysis that does not end well, on both routes: what was surely not taken, and what may have
been paid for.
"""

import time

import pytest

from generation.providers.outcomes import (
    Analysed,
    AnalysisBlocked,
    AnalysisUnusable,
    NotAccepted,
    Refused,
    Unclear,
)
from tests.generation.providers import raw_server
from tests.generation.providers.conftest import hold

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("outcome", "kind", "reported"),
    [
        (None, Analysed, True),
        ("no_usage", Analysed, False),
        ("filtered", AnalysisBlocked, True),
        ("truncated", AnalysisUnusable, True),
        ("empty", AnalysisUnusable, False),
    ],
)
def test_each_answer_has_its_outcome_and_its_usage(stand_in, analyse, outcome, kind, reported):
    stand_in.next("analyse", outcome=outcome)

    answered = analyse()

    assert isinstance(answered, kind)
    assert (answered.usage.total_tokens is not None) is reported
    assert stand_in.counts()["calls"]["analyse"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_in_googles_envelope_is_for_good(stand_in, analyse, status):
    stand_in.next("analyse", status=status)

    outcome = analyse()

    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.model_gone) == (status, status == 404)
    assert stand_in.counts()["calls"]["analyse"] == 1


def test_a_retired_model_is_gone(stand_in, analyse):
    outcome = analyse(hold=hold("gemini-2.5-flash"))

    assert isinstance(outcome, Refused)
    assert outcome.model_gone
    assert "is no longer available" in outcome.detail


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_model_did_not_take_it(stand_in, analyse, status):
    stand_in.next("analyse", status=status, headers={"Retry-After": "7"})

    outcome = analyse()

    assert isinstance(outcome, NotAccepted)
    assert (outcome.kind, outcome.retry_after_seconds) == ("busy", 7.0)
    assert stand_in.counts()["calls"]["analyse"] == 1


@pytest.mark.parametrize("status", [302, 307, 408, 500, 502, 504])
def test_a_status_that_does_not_refuse_is_unclear(stand_in, analyse, status):
    stand_in.next("analyse", status=status)

    outcome = analyse()

    assert isinstance(outcome, Unclear)
    assert not outcome.answered
    assert stand_in.counts()["calls"]["analyse"] == 1


@pytest.mark.parametrize("body", ["<html>from a proxy</html>", {}, {"error": "no"}])
@pytest.mark.parametrize("status", [400, 404, 429, 503])
def test_a_refusal_without_googles_envelope_is_unclear(stand_in, analyse, status, body):
    stand_in.next("analyse", status=status, body=body)

    assert isinstance(analyse(), Unclear)


@pytest.mark.parametrize(
    ("order", "answered"),
    [
        ({"cut": "before"}, False),
        ({"cut": "after"}, False),
        ({"cut": "reset"}, False),
        ({"cut": "garbage"}, False),
        ({"cut_at": 20}, True),
        ({"cut": "reset", "cut_at": 20}, True),
    ],
)
def test_a_line_that_breaks_is_unclear_and_answered_once_a_200_came(
    stand_in, analyse, order, answered
):
    stand_in.next("analyse", **order)

    outcome = analyse()

    assert isinstance(outcome, Unclear)
    assert outcome.answered is answered
    assert stand_in.counts()["calls"]["analyse"] == 1


@pytest.mark.parametrize(("order", "answered"), [({"hold": True}, False), ({"hold_at": 20}, True)])
def test_silence_ends_at_the_deadline(stand_in, analyse, order, answered):
    stand_in.next("analyse", **order)
    begun = time.monotonic()

    outcome = analyse(deadline_seconds=1.0)

    assert isinstance(outcome, Unclear)
    assert outcome.answered is answered
    assert time.monotonic() - begun < raw_server.PATIENCE / 2
    assert stand_in.counts()["calls"]["analyse"] == 1


def test_a_dripping_answer_ends_at_the_deadline(stand_in, analyse):
    stand_in.next("analyse", drip_s=20)
    begun = time.monotonic()

    outcome = analyse(deadline_seconds=2.0)

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert time.monotonic() - begun < raw_server.PATIENCE


def test_an_answer_that_is_too_large_is_not_read(raw, analyse):
    server = raw(raw_server.answer(b"{}", promised=5 * 1024 * 1024))

    outcome = analyse()

    assert isinstance(outcome, Unclear)
    assert outcome.answered
    assert server.posts == 1


def test_nobody_listening_is_unreachable(stopped, analyse):
    outcome = analyse()

    assert isinstance(outcome, NotAccepted)
    assert outcome.kind == "unreachable"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(stand_in, analyse, status):
    with raw_server.RawServer(raw_server.answer(b"{}")) as elsewhere:
        stand_in.next("analyse", status=status, body={}, headers={"Location": elsewhere.url})

        outcome = analyse()

    assert isinstance(outcome, Unclear)
    assert elsewhere.heads == []
    assert stand_in.counts()["calls"]["analyse"] == 1
