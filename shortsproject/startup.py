"""Load the settings, or stop with one clear sentence.

Every way into the program (manage.py, gunicorn, Celery) comes through here, so that a missing
setting never shows as a traceback.
"""

import os
import sys

REFUSAL = "Shorts cannot start: "


def configure(*, exit_status: int = 1) -> None:
    """Load Django's settings. Exits with one line on stderr if one is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortsproject.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        settings.DEBUG  # noqa: B018 - reading one value loads the settings
    except (ImproperlyConfigured, ValueError, ArithmeticError) as error:
        sys.stderr.write(f"{REFUSAL}{error}\n")
        sys.exit(exit_status)


def first_line(error: Exception) -> str:
    """What went wrong in one line; PostgreSQL's own words go on with a question or a hint."""
    return str(error).partition("\n")[0]
