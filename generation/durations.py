"""How long something takes, in words."""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# From here on minutes say enough, and from TO_FIVES on every fifth second.
IN_MINUTES, TO_FIVES = 90, 10


def exact(duration: timedelta) -> str:
    """To the second below an hour, to the minute above."""
    minutes, seconds = divmod(max(int(duration.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)s s") % {"seconds": seconds} if seconds else _("under 1 s")


def usually(*, usual: timedelta, longest: timedelta) -> str:
    """From what it usually takes to what it seldom exceeds, in round figures."""
    low, high = (max(int(one.total_seconds() + 0.5), 1) for one in (usual, longest))
    if high >= IN_MINUTES:
        low, high = max((low + 30) // 60, 1), -(-high // 60)
        about = ngettext("usually about %(low)s minute", "usually about %(low)s minutes", low)
        between = _("usually %(low)s to %(high)s minutes")
    else:
        low, high = _rounded(low), _rounded(high)
        about = ngettext("usually about %(low)s second", "usually about %(low)s seconds", low)
        between = _("usually %(low)s to %(high)s seconds")
    return (between if low < high else about) % {"low": low, "high": high}


def _rounded(seconds: int) -> int:
    return seconds if seconds < TO_FIVES else -(-seconds // 5) * 5
