"""What the first page of an account tells, in plain values."""

from datetime import datetime
from typing import Any

from django.conf import settings

from accounts import keys, second_factor, signup, visits
from accounts.models import User


def facts(*, user: User, here: str | None, at: datetime) -> dict[str, Any]:
    """How each part of the account stands. `here`: the session key of this browser."""
    return {
        "is_confirmed": signup.has_confirmed(user=user),
        "working_keys": keys.working(user=user, at=at),
        "has_second_factor": second_factor.is_set_up(user=user),
        "wants_second_factor": second_factor.is_wanted(user=user),
        # A log-in that is older than the list of log-ins is not in it; this one surely exists.
        "visits": len(visits.of(user=user, here=here, at=at)) or 1,
        "time_zone": user.time_zone or settings.QUOTA_TIME_ZONE,
    }
