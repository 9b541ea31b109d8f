"""Load the settings, or stop with one clear sentence.

Every way into the program (manage.py, gunicorn, Celery) comes through here, so that a missing
setting never shows as a traceback.
"""

import os
import sys


def configure(*, exit_status: int = 1) -> None:
    """Load Django's settings. Exits with one line on stderr if one is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortsproject.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        settings.DEBUG  # noqa: B018 - reading one value loads the settings
    except (ImproperlyConfigured, ValueError, ArithmeticError) as error:
        sys.stderr.write(f"Shorts cannot start: {error}\n")
        sys.exit(exit_status)
