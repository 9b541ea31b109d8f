"""Files lie in an object storage as they do on a disk: whole, private, and away with a reason."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.config import Config
from django.core.files.storage import default_storage

from generation import bucket as bucket_storage
from generation import files
from tests import buckets
from tests.buckets import Bucket

MEBIBYTE = 1024 * 1024
PICTURE = b"a picture"


@pytest.fixture
def impatient(bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket that is given up soon."""
    soon = Config(read_timeout=0.3, retries={"total_max_attempts": 1})
    monkeypatch.setattr(bucket_storage, "READING", bucket_storage.READING.merge(soon))
    settings.STORAGES = buckets.storages(settings, bucket.url)
    return bucket


@pytest.fixture
def nobody_there(settings: Any) -> None:
    """The address of a bucket at which nothing listens."""
    settings.STORAGES = buckets.storages(settings, buckets.nowhere())


def store(data: bytes = PICTURE, *, short_id: UUID | None = None) -> str:
    return files.save_picture(short_id=short_id or uuid4(), data=data)


def read_often(name: str) -> set[bytes]:
    return {files.read(name) for _ in range(5)}


def parts_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """What is asked for from now on: from where, up to where."""
    asked: list[tuple[int, int]] = []
    part = bucket_storage.BucketStorage.part

    def noted(storage: Any, *, name: str, start: int, end: int) -> bytes:
        asked.append((start, end))
        return part(storage, name=name, start=start, end=end)

    monkeypatch.setattr(bucket_storage.BucketStorage, "part", noted)
    return iter(asked)


def test_what_is_stored_comes_back(bucket: Bucket) -> None:
    name = store()

    assert (files.read(name), bucket.stored()) == (PICTURE, [f"tests/{name}"])


def test_nobody_but_the_owner_of_the_bucket_may_read_a_file(bucket: Bucket) -> None:
    name = store()

    assert bucket.readers(f"tests/{name}") == ["CanonicalUser"]


def test_a_name_that_is_taken_is_not_written_over(bucket: Bucket) -> None:
    first = store(short_id=UUID(int=1))

    second = store(b"another", short_id=UUID(int=1))

    assert second != first
    assert files.read(first) == PICTURE


def test_a_part_of_a_file_is_all_that_is_fetched(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = files.save_video(short_id=uuid4(), attempt=1, video=BytesIO(bytes(MEBIBYTE) + b"end"))
    asked = parts_of(monkeypatch)

    with files.open_file(name) as video:
        size = files.size(video)
        end = files.piece(video, start=size - 3, most=100)

    assert (size, end) == (MEBIBYTE + 3, b"end")
    assert list(asked) == [(MEBIBYTE, MEBIBYTE + 3)]


def test_a_listing_of_several_pages_names_every_file_of_ours_once(bucket: Bucket) -> None:
    names = {store() for _ in range(2 * buckets.PAGE_KEYS + 1)}
    bucket.put("pictures/of-somebody-else.jpg")
    bucket.put("tests/pictures/deeper/down.jpg")

    listed = list(files.names())

    assert (len(listed), set(listed)) == (len(names), names)


def test_a_file_that_is_deleted_is_gone_and_twice_is_once(bucket: Bucket) -> None:
    name = store()

    files.delete(name)
    files.delete(name)

    assert bucket.stored() == []


@pytest.mark.parametrize("name", ["pictures/none.jpg", ""])
def test_a_file_that_is_not_there_is_not_found(bucket: Bucket, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        files.read(name)


def test_a_bucket_that_is_not_there_is_no_file_that_is_not_there(
    bucket: Bucket, settings: Any
) -> None:
    settings.STORAGES = buckets.storages(settings, bucket.url.replace(buckets.NAME, "no-such"))

    with pytest.raises(files.Unavailable, match="NoSuchBucket"):
        store()


def test_threads_share_one_client(bucket: Bucket) -> None:
    names = [store(bytes([number]) * 1000) for number in range(4)]

    with ThreadPoolExecutor(len(names)) as pool:
        contents = list(pool.map(read_often, names))

    assert contents == [{bytes([number]) * 1000} for number in range(4)]


def test_a_process_that_was_forked_gets_its_own_answers(bucket: Bucket) -> None:
    ours, theirs = store(b"ours" * 1000), store(b"theirs" * 1000)
    read_often(ours)

    with multiprocessing.get_context("fork").Pool(1) as pool:
        child = pool.apply_async(read_often, [theirs])
        here = read_often(ours)
        there = child.get(timeout=30)

    assert (here, there) == ({b"ours" * 1000}, {b"theirs" * 1000})


def test_a_storage_that_nobody_reaches_is_away_and_its_key_stays_secret(nobody_there: None) -> None:
    with pytest.raises(files.Unavailable) as told:
        store()

    assert "Could not connect" in str(told.value)
    assert buckets.SECRET not in str(told.value)


def test_a_storage_that_does_not_answer_is_away_until_it_does(impatient: Bucket) -> None:
    name = store()

    with impatient.hanging(), pytest.raises(files.Unavailable):
        files.read(name)

    assert files.read(name) == PICTURE


def test_a_transfer_that_takes_too_long_leaves_nothing(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_storage, "TRANSFER_SECONDS", -1.0)

    with pytest.raises(files.Unavailable):
        files.save_video(short_id=uuid4(), attempt=1, video=BytesIO(bytes(MEBIBYTE)))

    assert bucket.stored() == []


def test_the_check_asks_for_the_bucket(bucket: Bucket, settings: Any) -> None:
    files.check()
    settings.STORAGES = buckets.storages(settings, bucket.url.replace(buckets.NAME, "no-such"))

    with pytest.raises(files.Unavailable):
        files.check()


def test_no_address_of_a_file_carries_a_right_to_read_it(bucket: Bucket) -> None:
    assert "?" not in default_storage.url(store())
