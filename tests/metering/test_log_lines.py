"""The lines that operators read and grep for, letter by letter."""

from decimal import Decimal
from typing import Any

import pytest

from metering import log_lines

ANALYSIS, VEO, OMNI = "gemini-image-analysis", "gemini-veo-video", "gemini-omni-video"


def lines(remaining: tuple[int | None, int | None, int | None]) -> list[str]:
    """An ordinary short's four lines."""
    return [
        log_lines.check(tokens=1500, remaining=remaining[0]),
        log_lines.usage(api_type=ANALYSIS, tokens=487, remaining=remaining[1]),
        log_lines.cost(api_type=VEO, seconds=8, usd=Decimal("1.2"), tokens=1000),
        log_lines.usage(api_type=VEO, tokens=1000, remaining=remaining[2]),
    ]


def test_a_short_is_told_in_korean(settings: Any) -> None:
    settings.LOG_LANGUAGE = "ko"

    assert lines((8500, 8013, 7013)) == [
        "✅ [토큰 체크] 예상 토큰 1500 확인 완료 (남은 토큰: 8500)",
        "✅ [토큰 추적] Gemini 이미지 분석: 487 토큰 사용 (남은 토큰: 8013)",
        "💰 [Veo 비용] 8초 영상 생성: $1.20 (토큰 환산: 1000 토큰)",
        "✅ [토큰 추적] Gemini Veo 영상 생성: 1000 토큰 사용 (남은 토큰: 7013)",
    ]


def test_a_short_is_told_in_english(settings: Any) -> None:
    settings.LOG_LANGUAGE = "en"

    assert lines((8500, 8013, 7013)) == [
        "✅ [Token check] 1500 expected tokens confirmed (remaining: 8500)",
        "✅ [Token usage] Gemini image analysis: 487 tokens used (remaining: 8013)",
        "💰 [Veo cost] 8 s video: $1.20 (1000 tokens)",
        "✅ [Token usage] Gemini Veo video: 1000 tokens used (remaining: 7013)",
    ]


@pytest.mark.parametrize(("language", "word"), [("ko", "무제한"), ("en", "unlimited")])
def test_unlimited_is_a_word(settings: Any, language: str, word: str) -> None:
    settings.LOG_LANGUAGE = language

    check, analysis, _, video = lines((None, None, None))

    assert check.endswith(f": {word})")
    assert analysis.endswith(f": {word})")
    assert video.endswith(f": {word})")


@pytest.mark.parametrize("remaining", [0, -387])
def test_what_remains_may_be_nothing_or_less(settings: Any, remaining: int) -> None:
    settings.LOG_LANGUAGE = "en"

    line = log_lines.usage(api_type=VEO, tokens=5, remaining=remaining)

    assert line.endswith(f"(remaining: {remaining})")


def test_the_other_route_has_its_own_name(settings: Any) -> None:
    settings.LOG_LANGUAGE = "en"

    cost = log_lines.cost(api_type=OMNI, seconds=10, usd=Decimal("2.30"), tokens=1916)
    use = log_lines.usage(api_type=OMNI, tokens=1916, remaining=84)

    assert cost == "💰 [Omni cost] 10 s video: $2.30 (1916 tokens)"
    assert use == "✅ [Token usage] Gemini Omni video: 1916 tokens used (remaining: 84)"


def test_the_other_route_has_its_own_name_in_korean(settings: Any) -> None:
    settings.LOG_LANGUAGE = "ko"

    line = log_lines.usage(api_type=OMNI, tokens=1916, remaining=84)

    assert line == "✅ [토큰 추적] Gemini Omni 영상 생성: 1916 토큰 사용 (남은 토큰: 84)"


def test_a_feature_without_a_name_is_told_by_its_key(settings: Any) -> None:
    settings.LOG_LANGUAGE = "en"

    line = log_lines.usage(api_type="speech", tokens=5, remaining=7)

    assert line == "✅ [Token usage] speech: 5 tokens used (remaining: 7)"
