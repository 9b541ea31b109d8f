"""While the storage is away nothing begins, nothing is lost, and people are told what it means."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from generation import files, streaming
from generation.models import Short, State
from generation.pipeline import orphans
from metering import ledger, staff
from metering.models import Hold
from shortsproject.local.gemini import StandIn
from tests.generation import driving

Api = Callable[[User], APIClient]
UNTOUCHED = "so nothing was started and no tokens were taken"


def away(*args: object, **kwargs: object) -> Any:
    raise OSError(5, "Input/output error")


def lose(storage: pytest.MonkeyPatch, *acts: str) -> None:
    """The storage fails at these acts from now on."""
    for act in acts:
        storage.setattr(FileSystemStorage, act, away)


@pytest.fixture
def done(alice: User, stand_in: StandIn) -> Short:
    return driving.until(driving.begin(alice), State.SUCCEEDED)


def test_an_order_is_refused_and_leaves_nothing(
    alice: User, api: Api, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch, "_save")

    answer = api(alice).post("/api/shorts/generate", {"image": BytesIO(photo)})

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert UNTOUCHED in answer.json()["detail"]
    assert answer["Retry-After"] == "5"
    assert (Short.objects.count(), Hold.objects.count()) == (0, 0)


def test_the_studio_says_so_and_keeps_what_was_typed(
    web: Client, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch, "_save")
    picture = SimpleUploadedFile("a.jpg", photo)

    answer = web.post("/", {"image": picture, "prompt": "a slow pan"})

    assert answer.status_code == 503
    assert UNTOUCHED in answer.content.decode()
    assert "a slow pan" in answer.content.decode()


def test_a_refusal_is_told_as_itself_though_the_picture_can_not_be_removed(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff.set_limit(user=alice, tokens=0, actor=None, reason="test", at=timezone.now())
    lose(monkeypatch, "delete")

    with pytest.raises(ledger.TokenLimitExceeded):
        driving.begin(alice)


@pytest.mark.parametrize("part", ["video", "image"])
def test_a_file_that_can_not_be_fetched_is_503_and_not_404(
    alice: User, api: Api, done: Short, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    lose(monkeypatch, "_open")

    answer = api(alice).get(f"/api/shorts/{done.pk}/{part}")

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer["Retry-After"] == "5"


def test_a_small_picture_that_can_not_be_fetched_is_asked_for_again(
    web: Client, done: Short, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch, "_open")

    answer = web.get(f"/shorts/{done.pk}/thumbnail")

    assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")


def test_a_file_that_is_lost_halfway_is_cut_off_as_by_a_network(
    alice: User, api: Api, done: Short, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK_BYTES", 100)
    pieces = iter(api(alice).get(f"/api/shorts/{done.pk}/video"))
    first = next(pieces)

    monkeypatch.setattr(files, "piece", away)

    with pytest.raises(ConnectionResetError):
        next(pieces)
    assert len(first) == 100


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_meanwhile_is_removed_when_the_storage_is_back(
    alice: User, api: Api, done: Short, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as storage:
        lose(storage, "delete")
        answer = api(alice).delete(f"/api/shorts/{done.pk}")

    orphans.remove(at=timezone.now() + timedelta(hours=25))

    assert answer.status_code == 204
    assert not default_storage.exists(done.video)
    assert not default_storage.exists(done.picture)


def test_a_search_for_orphans_that_breaks_off_is_no_fault(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.scandir", away)

    assert orphans.remove(at=timezone.now()) == 0
