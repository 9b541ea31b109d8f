"""What is known of a provider's model: until when it wants no call."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generation import gates

pytestmark = pytest.mark.django_db

MODEL = {"route": "enterprise", "model": "veo-3.1-fast-generate-001"}


def test_a_wait_that_the_provider_named_is_known_to_all() -> None:
    until = timezone.now() + timedelta(seconds=38)

    gates.wait(**MODEL, until=until)

    assert gates.not_before(**MODEL) == until


def test_a_shorter_wait_does_not_cut_a_longer_one_short() -> None:
    now = timezone.now()

    gates.wait(**MODEL, until=now + timedelta(hours=1))
    gates.wait(**MODEL, until=now + timedelta(seconds=20))

    assert gates.not_before(**MODEL) == now + timedelta(hours=1)


def test_a_longer_wait_replaces_a_shorter_one() -> None:
    now = timezone.now()

    gates.wait(**MODEL, until=now + timedelta(seconds=20))
    gates.wait(**MODEL, until=now + timedelta(hours=1))

    assert gates.not_before(**MODEL) == now + timedelta(hours=1)
