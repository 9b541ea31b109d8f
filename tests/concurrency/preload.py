"""What every process of a race or a crash needs, imported once by the server that forks them."""

from importlib import import_module

import django
from google import genai

django.setup()
# With the pipeline comes the providers' SDK, whose import takes longest.
import_module("tests.crash.worker")
# A part of that is imported when it is first used.
_ = genai.Client(api_key="unused").interactions
