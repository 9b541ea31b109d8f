"""The instant of a call to the public face of metering, where the caller names none.

Our own code names the instant of everything it does, and its types hold it to that. Somebody at a
shell, or a feature that has no instant of its own, may leave `at` out and means now.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.utils import timezone

P = ParamSpec("P")
R = TypeVar("R")


def now_unless_given(verb: Callable[P, R]) -> Callable[P, R]:
    """The verb, with `at` being the instant of the call where it was left out."""

    @wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if "at" not in kwargs:
            kwargs["at"] = timezone.now()
        return verb(*args, **kwargs)

    return call
