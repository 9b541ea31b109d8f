"""Files that no short refers to go, all others stay."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation.models import Short, State
from generation.pipeline import orphans
from shortsproject.local.gemini import StandIn
from tests.generation import driving


@pytest.fixture(autouse=True)
def _storage_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def store(name: str, *, hours_ago: int = 25) -> str:
    """A stored file of that age."""
    name = default_storage.save(name, ContentFile(b"x"))
    return age(name, hours_ago=hours_ago)


def age(name: str, *, hours_ago: int = 25) -> str:
    then = (timezone.now() - timedelta(hours=hours_ago)).timestamp()
    os.utime(default_storage.path(name), (then, then))
    return name


def all_but(name: str) -> Callable[[str], None]:
    """Removes every file but this one, which the system refuses to let go."""
    remove = os.remove

    def refusing(path: str) -> None:
        if path.endswith(name):
            raise PermissionError(13, "Permission denied")
        remove(path)

    return refusing


def left(*names: str) -> list[bool]:
    return [default_storage.exists(name) for name in names]


def test_old_files_without_a_short_are_removed(db: None) -> None:
    picture, video = store(f"pictures/{uuid4()}.jpg"), store(f"videos/{uuid4()}-3.mp4")

    removed = orphans.remove(at=timezone.now())

    assert (removed, left(picture, video)) == (2, [False, False])


def test_files_that_a_short_refers_to_stay_however_old(alice: User, stand_in: StandIn) -> None:
    short = driving.until(driving.begin(alice), State.SUCCEEDED)
    names = [age(short.picture, hours_ago=10_000), age(short.video, hours_ago=10_000)]

    removed = orphans.remove(at=timezone.now())

    assert (removed, left(*names)) == (0, [True, True])


def test_what_a_dead_worker_left_of_an_earlier_attempt_is_removed(
    alice: User, stand_in: StandIn
) -> None:
    short = driving.until(driving.begin(alice), State.SUCCEEDED)
    half = store(f"videos/{short.pk}-1.mp4")

    orphans.remove(at=timezone.now())

    assert left(half, short.video, short.picture) == [False, True, True]


def test_a_picture_that_its_short_has_forgotten_is_removed(alice: User) -> None:
    short = driving.begin(alice)
    name = age(short.picture)
    Short.objects.filter(pk=short.pk).update(picture="")

    orphans.remove(at=timezone.now())

    assert left(name) == [False]


def test_a_file_whose_row_may_still_be_committed_stays(db: None) -> None:
    name = store(f"pictures/{uuid4()}.jpg", hours_ago=23)

    removed = orphans.remove(at=timezone.now())

    assert (removed, left(name)) == (0, [True])


@pytest.mark.parametrize(
    "name", ["pictures/logo.png", "videos/0199.mp4", "pictures/{}x.jpg", "backups/{}.jpg"]
)
def test_a_file_that_is_none_of_ours_stays(db: None, name: str) -> None:
    stored = store(name.format(uuid4()))

    removed = orphans.remove(at=timezone.now())

    assert (removed, left(stored)) == (0, [True])


def test_a_storage_with_nothing_in_it_is_no_error(db: None) -> None:
    assert orphans.remove(at=timezone.now()) == 0


def test_many_files_take_a_query_for_each_batch(
    db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(orphans, "BATCH", 2)
    names = [store(f"pictures/{uuid4()}.jpg") for _ in range(5)]

    with django_assert_num_queries(3):
        removed = orphans.remove(at=timezone.now())

    assert (removed, any(left(*names))) == (5, False)


def test_a_file_that_can_not_be_removed_keeps_no_other_from_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = store(f"pictures/{uuid4()}.jpg"), store(f"videos/{uuid4()}-1.mp4")
    monkeypatch.setattr(os, "remove", all_but(stuck))

    removed = orphans.remove(at=timezone.now())

    assert (removed, left(stuck, other)) == (1, [True, False])
