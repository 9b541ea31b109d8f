"""What every page knows."""

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.utils import timezone

from accounts import signup
from metering import notices


def site(request: HttpRequest) -> dict[str, object]:
    """Whether sign-up is open, where people reach staff, whether renders are made by the local
    stand-in, and the notice about tokens that the user has not dismissed yet."""
    return {
        # Functions, so that only pages that show them ask the database.
        "signup_open": signup.is_open,
        "contact_email": settings.CONTACT_EMAIL,
        "stand_in_serves": not (settings.GOOGLE_CLOUD_PROJECT or settings.GEMINI_API_KEY),
        "token_notice": lambda: _token_notice(request),
    }


def _token_notice(request: HttpRequest) -> notices.Shown | None:
    """Also without a database, because pages that say that it is away are pages, too."""
    user = getattr(request, "user", None)
    try:
        if user is not None and user.is_authenticated:
            return notices.to_show(user=user, at=timezone.now())
    except (DatabaseError, InterfaceError):
        pass
    return None
