"""How long a step waits before it is tried again: spread, so that many do not go on together."""

from datetime import timedelta
from statistics import mean
from uuid import UUID

from django.utils import timezone

from generation.models import Short
from generation.pipeline import waiting

TEN = timedelta(seconds=10)
SHORTS = [Short(pk=UUID(int=number), attempt=3) for number in range(1000)]


def test_a_pause_of_our_own_is_a_tenth_longer_or_shorter() -> None:
    pauses = [waiting.about(pause=TEN, short=short).total_seconds() for short in SHORTS]

    assert 9 <= min(pauses) < 9.1
    assert 10.9 < max(pauses) <= 11
    assert 9.9 < mean(pauses) < 10.1


def test_a_wait_that_was_named_is_never_cut_short() -> None:
    at = timezone.now()

    until = [waiting.no_sooner(until=at + TEN, at=at, short_id=short.pk) for short in SHORTS]

    assert at + TEN <= min(until)
    assert max(until) <= at + 1.1 * TEN


def test_a_thousand_that_began_together_do_not_go_on_together() -> None:
    pauses = [waiting.about(pause=TEN, short=short) for short in SHORTS]

    tenths = [int(pause.total_seconds() * 10) for pause in pauses]

    assert max(tenths.count(tenth) for tenth in set(tenths)) < 90


def test_the_same_attempt_waits_as_long_again_and_the_next_one_does_not() -> None:
    short = SHORTS[7]

    again = waiting.about(pause=TEN, short=Short(pk=short.pk, attempt=3))
    later = waiting.about(pause=TEN, short=Short(pk=short.pk, attempt=4))

    assert again == waiting.about(pause=TEN, short=short)
    assert later != again
