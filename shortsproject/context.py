"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Whether sign-up is open, and whether renders are made by the local stand-in."""
    return {
        "signup_open": settings.SIGNUP_OPEN,
        "stand_in_serves": not (settings.GOOGLE_CLOUD_PROJECT or settings.GEMINI_API_KEY),
    }
