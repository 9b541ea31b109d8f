"""The bar of used and held tokens: parts of a hundred that never run over it."""

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from metering import meter, periods
from metering.types import Balance

TOKENS = st.integers(0, 10**15)


def balance(limit: int | None, *, granted: int = 0, used: int = 0, held: int = 0) -> Balance:
    now = timezone.now()
    return Balance(
        limit_tokens=limit,
        granted_tokens=granted,
        used_tokens=used,
        held_tokens=held,
        period_kind="month",
        period_start=periods.local_day(at=now),
        period_starts_at=now,
        resets_at=None,
        in_flight=0,
        max_in_flight=3,
        suspended=False,
    )


def test_what_remains_is_the_headline_and_the_bar_parts_it_into_held_and_left() -> None:
    shown = meter.of(balance=balance(9000, granted=1000, used=2500, held=1500))

    assert shown == {
        "most": 10000, "remaining": 7500, "left": 6000, "used_width": 25, "held_width": 15,
    }  # fmt: skip


@pytest.mark.parametrize(("used", "width"), [(0, 0), (4, 0), (5, 1), (994, 99), (995, 100)])
def test_widths_are_rounded_half_up(used: int, width: int) -> None:
    shown = meter.of(balance=balance(1000, used=used))

    assert shown is not None
    assert shown["used_width"] == width


@given(limit=TOKENS, granted=TOKENS, used=TOKENS, held=TOKENS)
def test_the_bar_never_runs_over(limit: int, granted: int, used: int, held: int) -> None:
    shown = meter.of(balance=balance(limit, granted=granted, used=used, held=held))

    assert shown is not None
    assert 0 <= shown["used_width"] + shown["held_width"] <= meter.WIDTH
    assert shown["left"] == max(limit + granted - used - held, 0)


def test_without_a_limit_there_is_no_bar() -> None:
    assert meter.of(balance=balance(None, used=5)) is None
