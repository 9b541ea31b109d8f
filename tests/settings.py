"""Settings for the tests: those of the project, only faster and without a trace."""

import atexit
import shutil
import tempfile
from pathlib import Path

from shortsproject.settings import *  # noqa: F403 - all of them, and then some changes

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Where a test does not start the stand-in the provider is configured, and away.
GEMINI_BASE_URL, GEMINI_API_KEY, GOOGLE_CLOUD_PROJECT = "http://127.0.0.1:9", "", ""

MEDIA_ROOT = Path(tempfile.mkdtemp(prefix="shorts-test-media-"))
atexit.register(shutil.rmtree, MEDIA_ROOT, ignore_errors=True)
