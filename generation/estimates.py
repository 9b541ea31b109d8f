"""How long a render usually takes, told from this system's own last ones and from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import caches
from django.db.models import F, QuerySet

from generation.models import Short

# Looked at: the newest renders of the model, so that an estimate costs the same however many
# there are. Counted: at most MOST of them; fewer than ENOUGH tell nothing.
LOOKED_AT, MOST, ENOUGH = 200, 50, 5
KEPT_SECONDS = 60
USUAL_PERCENT, LONGEST_PERCENT = 50, 90

Shape = tuple[int, str]


@dataclass(frozen=True)
class Estimate:
    """From submit to a finished render: half of the last ones took no longer than `usual`, nine of
    ten no longer than `longest`."""

    usual: timedelta
    longest: timedelta


def of_render(*, model: str, seconds: int, resolution: str) -> Estimate | None:
    """The estimate for a video of a model, from videos of this length and resolution if there are
    enough of them, else from all of the model. None where there are too few to tell.

    One query by an index, and none within a minute of the same question.
    """
    key = f"estimate-{model}-{seconds}-{resolution}"
    found: Estimate | None = caches["process"].get_or_set(
        key, lambda: _asked(model=model, shape=(seconds, resolution)), KEPT_SECONDS
    )
    return found


def asked_of(*, model: str) -> QuerySet[Short, tuple[int, str, timedelta]]:
    """The newest renders of a model: seconds of video, resolution, and what each took."""
    took = F("rendered_at") - F("submitted_at")
    renders = Short.objects.filter(
        model=model, rendered_at__isnull=False, submitted_at__isnull=False
    )
    return renders.order_by("-rendered_at").values_list("seconds", "resolution", took)[:LOOKED_AT]


def _asked(*, model: str, shape: Shape) -> Estimate | None:
    renders = [((seconds, size), took) for seconds, size, took in asked_of(model=model)]
    alike = [took for found, took in renders if found == shape]
    return _told(alike) or _told([took for _shape, took in renders])


def _told(durations: Sequence[timedelta]) -> Estimate | None:
    """What the first of these say, the newest of which is the first."""
    counted = sorted(durations[:MOST])
    if len(counted) < ENOUGH:
        return None
    return Estimate(
        usual=_percentile(counted, USUAL_PERCENT), longest=_percentile(counted, LONGEST_PERCENT)
    )


def _percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """By the nearest rank: the smallest that is not below so many percent of them."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
