"""Answers as the schema shows them. Each is checked against the schema by a test."""

from typing import Any

SHORT_ID = "01a211a3-9516-734e-b31e-2bb18e9a5200"
FAST, LITE = "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001"
ANALYSIS = {
    "api_type": "gemini-image-analysis", "model": "gemini-3.8-flash", "tokens": 500, "usd": None,
}  # fmt: skip
VIDEO = {"api_type": "gemini-veo-video", "model": FAST, "tokens": 1000, "usd": "1.20"}
LITE_VIDEO = {**VIDEO, "model": LITE, "tokens": 533, "usd": "0.64"}

_QUEUED: dict[str, Any] = {
    "id": SHORT_ID,
    "state": "queued",
    "model": FAST,
    "seconds": 8,
    "resolution": "720p",
    "aspect_ratio": "16:9",
    "progress": {"stage": "queued", "percent": 0},
    "video_url": None,
    "error": None,
    "notice": None,
    "quote": {"tokens": 1500, "legs": [ANALYSIS, VIDEO]},
}
_BALANCE = {
    "limit_tokens": 10000,
    "granted_tokens": 0,
    "used_tokens": 0,
    "held_tokens": 0,
    "remaining_tokens": 10000,
    "available_tokens": 10000,
    "resets_at": "2026-11-30T15:00:00Z",
}
_RECEIPT = {
    "held_tokens": 1500, "charged_tokens": 1487, "returned_tokens": 13, "refunded_tokens": 0,
    "legs": [
        {
            "api_type": "gemini-image-analysis", "state": "captured", "estimated_tokens": 500,
            "charged_tokens": 487, "basis": "reported", "formula": "487 × 1", "entry_id": 41,
            "usage": {
                "prompt": 310, "candidates": 97, "thoughts": 80, "cached": 0, "total": 487,
            },
        },
        {
            "api_type": "gemini-veo-video", "state": "captured", "estimated_tokens": 1000,
            "charged_tokens": 1000, "basis": "reported", "usd": "1.20",
            "formula": "8 s × $0.15 × 833", "entry_id": 42,
            "usage": {"seconds": 8, "resolution": "720p"},
        },
    ],
}  # fmt: skip

GENERATED = {**_QUEUED, "balance": {**_BALANCE, "held_tokens": 1500, "available_tokens": 8500}}
SHORT = {
    **_QUEUED,
    "state": "succeeded",
    "progress": {"stage": "succeeded", "percent": 100},
    "video_url": f"/api/shorts/{SHORT_ID}/video",
    "receipt": _RECEIPT,
}
SHORTS = {
    "results": [{**SHORT, "created_at": "2026-11-25T03:00:00Z"}],
    "next": "/api/shorts?state=succeeded&cursor=01a211a3-9516-734e-b31e-2bb18e9a5200%3A…&limit=1",
    "next_cursor": "01a211a3-9516-734e-b31e-2bb18e9a5200:…",
}

CHOICE = {"model": FAST, "seconds": 8, "resolution": "720p"}
_ASKED = {
    **CHOICE, "label": "Veo 3.1 Fast", "quote": {"tokens": 1500, "legs": [ANALYSIS, VIDEO]},
    "fits": True, "affordable": 6,
}  # fmt: skip
_BESIDE = {
    **_ASKED, "model": LITE, "label": "Veo 3.1 Lite", "affordable": 9,
    "quote": {"tokens": 1033, "legs": [ANALYSIS, LITE_VIDEO]},
}  # fmt: skip
QUOTED = {"asked": _ASKED, "models": [_ASKED, _BESIDE], "nearest": _ASKED, "balance": _BALANCE}

USAGE = {
    "balance": {**_BALANCE, "used_tokens": 1487, "remaining_tokens": 8513,
                "available_tokens": 8513},
    "period": {"kind": "month", "start": "2026-10-31T15:00:00Z", "end": "2026-11-30T15:00:00Z"},
    "in_flight": 0,
    "max_in_flight": 3,
    "by_day": [{"date": "2026-11-25", "api_type": "gemini-veo-video", "model": FAST,
                "tokens": 1000, "usd": "1.20"}],
}  # fmt: skip
ENTRIES = {
    "results": [{
        "seq": 2, "time": "2026-11-25T03:00:00Z", "kind": "charge", "tokens": 1000, "usd": "1.20",
        "api_type": "gemini-veo-video", "model": FAST, "job_id": SHORT_ID, "used_after": 1487,
        "limit_after": 10000, "reason": "", "day": "2026-11-25", "period_start": "2026-11-01",
        "entry_id": 42, "reverses": None,
    }],
    "next": "/api/usage/entries?cursor=2%3A…&page_size=1",
    "next_cursor": "2:…",
}  # fmt: skip

# Members that a problem has beside the five of every problem, by code.
FIGURES: dict[str, dict[str, Any]] = {
    "invalid_image": {"reason": "missing"},
    "image_too_large": {"reason": "too_many_bytes"},
    "invalid_parameter": {"parameter": "seconds"},
    "token_limit_exceeded": {
        "estimated_tokens": 1500, "remaining_tokens": 1499, "held_tokens": 0,
        "limit_tokens": 10000, "resets_at": "2026-11-30T15:00:00Z",
        "fits": [{"model": LITE, "seconds": 4, "resolution": "720p", "tokens": 767}],
    },
    "not_cancelable": {"state": "rendering"},
    "not_finished": {"state": "rendering"},
    "too_many_in_flight": {"in_flight": 3, "max_in_flight": 3},
    "email_unconfirmed": {"confirm_url": "/accounts/email/"},
    "spending_paused": {"retry_at": "2026-11-25T15:00:00Z"},
}  # fmt: skip
