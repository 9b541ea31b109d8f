"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

from accounts import signup


def site(request: HttpRequest) -> dict[str, object]:
    """Whether sign-up is open, and whether renders are made by the local stand-in."""
    return {
        # A function, so that only pages that show it ask the database.
        "signup_open": signup.is_open,
        "stand_in_serves": not (settings.GOOGLE_CLOUD_PROJECT or settings.GEMINI_API_KEY),
    }
