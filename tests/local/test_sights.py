"""What `make screenshots` goes to, and what it shows there."""

from uuid import uuid4

import pytest
from django.urls import resolve
from django.utils import timezone

from accounts.models import User
from generation import endings, queries
from shortsproject.local import plights, showcase, sights
from shortsproject.local.gemini import StandIn
from shortsproject.local.sights import PLIGHTS, SIGHTS, Sight

FAULTY = "shortsproject.local.faulty_urls"
SEEN = [sight for seen in SIGHTS.values() for sight in seen if sight.name != "error-404"]
# What cannot come without switching something off for everybody else in the pictures.
NOT_SHOWN = {"provider_unreachable", "hold_closed", "spending_paused"}


@pytest.mark.parametrize("sight", SEEN, ids=lambda sight: sight.name)
def test_a_sight_has_an_address(sight: Sight) -> None:
    words = {name: str(uuid4()) for name in ("ready", "tall", "rendering", "key", *PLIGHTS)}

    path = sight.path.format(**words).partition("?")[0]

    assert resolve(path, urlconf=FAULTY)


def test_every_sight_has_a_name_of_its_own() -> None:
    assert len(set(sights.NAMES)) == len(sights.NAMES)


@pytest.mark.django_db(transaction=True)
def test_shorts_come_to_nearly_every_ending_and_wait(
    alice: User, bob: User, staff: User, stand_in: StandIn
) -> None:
    ahead = showcase.Telling(0, "dusk", until=showcase.is_rendering)
    showcase.live(ahead, user=bob, stand_in=stand_in, now=timezone.now())

    shorts = plights.tell(user=alice, actor=staff, stand_in=stand_in)

    views = queries.views(shorts=list(shorts.values()), at=timezone.now())
    shown = {view.error_code or view.waiting_code for view in views}
    assert set(shorts) == set(PLIGHTS)
    assert set(endings.MESSAGES) - shown == NOT_SHOWN
    assert [name for name, view in zip(shorts, views, strict=True) if view.queue_position] == [
        "in-line"
    ]
