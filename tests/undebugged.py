"""The settings of a stack for children whose pages must be those of production."""

from shortsproject.settings import *  # noqa: F403 - all of them, and then one change

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
