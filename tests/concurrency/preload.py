"""What every process of a race or a crash needs, imported once by the server that forks them."""

from importlib import import_module

import django

django.setup()
# With the pipeline comes the providers' SDK, whose import takes longest.
import_module("tests.crash.worker")
