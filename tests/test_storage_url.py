"""STORAGE_URL says where files lie, or why it can't be understood, and never repeats a secret."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from shortsproject import storage_url
from tests import buckets
from tests.buckets import Bucket


def options(url: str) -> dict[str, Any]:
    return dict(storage_url.backend(url)["OPTIONS"])


def test_a_bucket_with_a_key_of_its_own() -> None:
    assert options("s3://KEY:SEC%2FRET@s3.example.org/my-shorts/a/b?region=eu-west-1") == {
        "endpoint_url": "https://s3.example.org",
        "bucket_name": "my-shorts",
        "location": "a/b",
        "access_key": "KEY",
        "secret_key": "SEC/RET",
        "region_name": "eu-west-1",
    }


def test_without_a_key_boto3_looks_for_one() -> None:
    assert options("s3://s3.example.org/shorts").keys() == {
        "endpoint_url", "bucket_name", "location",
    }  # fmt: skip


def test_without_a_url_files_lie_on_the_disk() -> None:
    assert storage_url.backend("") == {"BACKEND": storage_url.DISK}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://s3.example.org/shorts", "https://s3.example.org"),
        ("s3://s3.example.org:9000/shorts", "https://s3.example.org:9000"),
        ("s3+http://minio:9000/shorts", "http://minio:9000"),
        ("s3://127.0.0.1:9000/shorts", "http://127.0.0.1:9000"),
        ("s3://[::1]:9000/shorts", "http://[::1]:9000"),
    ],
)
def test_only_this_machine_or_who_asks_for_it_is_spoken_to_unencrypted(
    url: str, address: str
) -> None:
    assert options(url)["endpoint_url"] == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://key:hidden@s3.example.org/shorts", "does not begin as s3://"),
        ("shorts", "does not begin as s3://"),
        ("s3://my-shorts/prefix", "names no host"),
        ("s3://key:hidden@s3.example.org", "names no bucket"),
        ("s3://key:hidden@s3.example.org/?region=x", "names no bucket"),
        ("s3://hidden@s3.example.org/shorts", "half of a key"),
        ("s3://key:hid/den@s3.example.org/shorts", "%2F stands for '/'"),
        ("s3://key:hidden@[s3.example.org/shorts", "can't be read"),
        ("s3://key:hidden@s3.example.org:99999/shorts", "can't be read"),
        ("s3://key:hidden@s3.example.org/shorts/../up", "has a prefix"),
        ("s3://key:hidden@s3.example.org/shorts?regoin=x", "has an option other than"),
        ("s3://key:hidden@s3.example.org/shorts?hidden", "can't be read"),
        ("s3://key:hidden@s3.example.org/shorts?addressing=hidden", "whose value makes no sense"),
    ],
)
def test_nonsense_is_told_in_one_sentence_without_the_secret(url: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as told:
        storage_url.backend(url)

    assert said in str(told.value)
    assert str(told.value).startswith("STORAGE_URL ")
    assert "hid" not in str(told.value)


def of_the_deploy_check() -> set[str | None]:
    """What `check --deploy` finds, besides what the browser tests have set in this process."""
    return {message.id for message in checks.run_checks(include_deployment_checks=True)}


def test_the_deploy_check_warns_of_files_that_other_machines_do_not_see() -> None:
    assert "generation.W001" in of_the_deploy_check()


def test_the_deploy_check_is_content_with_a_bucket(settings: Any) -> None:
    settings.STORAGES = buckets.storages(settings, buckets.url("127.0.0.1:9"))

    assert "generation.W001" not in of_the_deploy_check()


def test_the_health_of_a_disk(db: None, client: Client, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "made-by-the-first-file"
    before_the_first = client.get("/healthz").json()["storage"]
    settings.MEDIA_ROOT.write_text("no folder")

    answer = client.get("/healthz")

    assert before_the_first == "ok"
    assert (answer.status_code, answer.json()["storage"]) == (503, "unreachable")


def test_the_health_of_a_bucket_that_answers(db: None, client: Client, bucket: Bucket) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()["storage"]) == (200, "ok")


def test_the_health_of_a_bucket_that_nobody_reaches(
    db: None, client: Client, settings: Any
) -> None:
    settings.STORAGES = buckets.storages(settings, buckets.nowhere())

    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()["storage"]) == (503, "unreachable")
    assert buckets.SECRET not in json.dumps(answer.json())
