"""The four log lines that operators read and grep for, in the language of `LOG_LANGUAGE`.

Their wording is a contract with whoever reads the logs, so they stand here and not in the
translation catalogs. *Remaining* is limit and grants less what was used; holds are not subtracted.
"""

from decimal import Decimal

from django.conf import settings

_LINES = {
    "ko": {
        "check": "✅ [토큰 체크] 예상 토큰 {tokens} 확인 완료 (남은 토큰: {remaining})",
        "usage": "✅ [토큰 추적] {label}: {tokens} 토큰 사용 (남은 토큰: {remaining})",
        "cost": "💰 [{brand} 비용] {seconds}초 영상 생성: ${usd} (토큰 환산: {tokens} 토큰)",
        "unlimited": "무제한",
        "gemini-image-analysis": "Gemini 이미지 분석",
        "gemini-veo-video": "Gemini Veo 영상 생성",
        "gemini-omni-video": "Gemini Omni 영상 생성",
    },
    "en": {
        "check": "✅ [Token check] {tokens} expected tokens confirmed (remaining: {remaining})",
        "usage": "✅ [Token usage] {label}: {tokens} tokens used (remaining: {remaining})",
        "cost": "💰 [{brand} cost] {seconds} s video: ${usd} ({tokens} tokens)",
        "unlimited": "unlimited",
        "gemini-image-analysis": "Gemini image analysis",
        "gemini-veo-video": "Gemini Veo video",
        "gemini-omni-video": "Gemini Omni video",
    },
}


def check(*, tokens: int, remaining: int | None) -> str:
    """Expected tokens confirmed by the gate."""
    return _line("check", tokens=tokens, remaining=_tokens(remaining))


def usage(*, api_type: str, tokens: int, remaining: int | None) -> str:
    """Tokens charged for one step."""
    return _line(
        "usage", label=_words().get(api_type, api_type), tokens=tokens, remaining=_tokens(remaining)
    )


def cost(*, api_type: str, seconds: int, usd: Decimal, tokens: int) -> str:
    """What a step billed by the second comes to, in dollars and in tokens."""
    brand = "Omni" if api_type == "gemini-omni-video" else "Veo"
    return _line("cost", brand=brand, seconds=seconds, usd=f"{usd:.2f}", tokens=tokens)


def _words() -> dict[str, str]:
    return _LINES[settings.LOG_LANGUAGE]


def _line(name: str, **values: object) -> str:
    return _words()[name].format(**values)


def _tokens(remaining: int | None) -> str:
    return _words()["unlimited"] if remaining is None else str(remaining)
