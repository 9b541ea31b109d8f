"""The small picture of a short in a list: for its owner only, and kept by the browser."""

from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from generation import files, thumbnails
from generation.models import new_id
from generation.pipeline import remove
from tests import factories
from tests.factories import AT
from tests.generation import driving
from tests.pictures import jpeg


def small(picture: bytes) -> Image.Image:
    """The thumbnail of a stored picture."""
    name = files.save_picture(short_id=new_id(), data=picture)
    return Image.open(BytesIO(thumbnails.of(picture=name)))


def test_a_browser_gets_a_small_picture_and_keeps_it(web: Client, alice: User) -> None:
    short = driving.begin(alice, picture=jpeg(width=2000, height=1200))

    response = web.get(f"/shorts/{short.pk}/thumbnail")

    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(BytesIO(response.content)).size == (480, 360)
    kept = {part.strip() for part in response["Cache-Control"].split(",")}
    assert kept == {"private", "max-age=31536000", "immutable"}
    assert len(response.content) < len(files.read(short.picture)) / 3


@pytest.mark.parametrize(
    ("width", "height"), [(2048, 1152), (1152, 2048), (2048, 256), (256, 2048), (32, 32)]
)
def test_every_shape_fills_the_same_frame(width: int, height: int) -> None:
    assert small(jpeg(width=width, height=height)).size == thumbnails.SIZE


def test_of_a_tall_picture_the_middle_is_seen_a_little_towards_the_top() -> None:
    tall = Image.new("RGB", (480, 1360), "white")
    tall.paste("black", (0, 380, 480, 780))
    out = BytesIO()
    tall.save(out, "JPEG")

    assert small(out.getvalue()).convert("L").getextrema()[1] < 40


def test_nothing_is_stored(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    before = sorted(files.names())

    web.get(f"/shorts/{short.pk}/thumbnail")

    assert sorted(files.names()) == before


def test_it_is_gone_with_its_short(web: Client, alice: User) -> None:
    short = driving.begin(alice)

    remove.run(short_id=short.pk, at=AT)

    assert web.get(f"/shorts/{short.pk}/thumbnail").status_code == 404


def test_one_whose_file_is_lost_is_not_found(web: Client, alice: User) -> None:
    short = driving.begin(alice)
    default_storage.delete(short.picture)

    response = web.get(f"/shorts/{short.pk}/thumbnail")

    assert response.status_code == 404
    assert "immutable" not in response.headers.get("Cache-Control", "")


def test_nobody_else_sees_it(client: Client, alice: User, bob: User) -> None:
    short = factories.short(alice, "succeeded")

    to_a_stranger = client.get(f"/shorts/{short.pk}/thumbnail")
    client.force_login(bob)
    to_bob = client.get(f"/shorts/{short.pk}/thumbnail")

    assert to_a_stranger["Location"].startswith("/accounts/login/")
    assert "immutable" not in to_a_stranger.headers.get("Cache-Control", "")
    assert to_bob.status_code == 404


def test_it_asks_little_of_the_database(
    web: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    short = driving.begin(alice)

    with django_assert_num_queries(3):
        web.get(f"/shorts/{short.pk}/thumbnail")
