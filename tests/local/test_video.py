import io

import av
import pytest
from PIL import Image

from shortsproject.local import video
from shortsproject.local.video import Shape


def gradient(width=640, height=360):
    image = Image.linear_gradient("L").resize((width, height))
    picture = io.BytesIO()
    Image.merge("RGB", (image, image.rotate(180), image)).save(picture, "JPEG")
    return picture.getvalue()


def test_a_clip_is_h264_and_aac_of_exactly_the_asked_length():
    picture = gradient()

    clip = video.encode(picture, Shape(8))

    with av.open(io.BytesIO(clip)) as film:
        pictures, sound = film.streams.video[0], film.streams.audio[0]
        assert film.duration / av.time_base == pytest.approx(8.0, abs=0.05)
        assert float(pictures.duration * pictures.time_base) == pytest.approx(8.0, abs=0.05)
        assert float(sound.duration * sound.time_base) == pytest.approx(8.0, abs=0.05)
        assert (pictures.codec_context.name, pictures.profile) == ("h264", "Main")
        assert pictures.codec_context.format.name == "yuv420p"
        assert pictures.average_rate == 24
        assert sound.codec_context.name == "aac"


@pytest.mark.parametrize("seconds", [4, 6, 8])
def test_every_frame_can_be_decoded(seconds):
    clip = video.encode(gradient(), Shape(seconds))

    with av.open(io.BytesIO(clip)) as film:
        assert sum(1 for _ in film.decode(video=0)) == seconds * 24


@pytest.mark.parametrize(
    ("resolution", "aspect_ratio", "size"),
    [
        ("720p", "16:9", (1280, 720)),
        ("720p", "9:16", (720, 1280)),
        ("1080p", "16:9", (1920, 1080)),
        ("4k", "9:16", (2160, 3840)),
    ],
)
def test_a_clip_has_the_asked_size(resolution, aspect_ratio, size):
    clip = video.encode(gradient(), Shape(1, resolution, aspect_ratio))

    with av.open(io.BytesIO(clip)) as film:
        frame = next(film.decode(video=0))
        assert (frame.width, frame.height) == size


def test_the_index_stands_before_the_pictures():
    clip = video.encode(gradient(), Shape(1))

    assert clip[4:8] == b"ftyp"
    assert clip.index(b"moov") < clip.index(b"mdat")


def test_the_film_shows_the_picture_and_moves():
    picture = io.BytesIO()
    image = Image.new("RGB", (320, 180), "red")
    image.paste("blue", (200, 0, 320, 180))
    image.save(picture, "PNG")

    clip = video.encode(picture.getvalue(), Shape(4))

    with av.open(io.BytesIO(clip)) as film:
        frames = [frame.to_image() for frame in film.decode(video=0)]
    edges = [frame.resize((320, 1)).convert("RGB").tobytes() for frame in (frames[0], frames[-1])]
    assert edges[0][0] > 200
    assert edges[0][2] < 60
    assert edges[0] != edges[1]


def test_a_picture_that_lies_on_its_side_is_turned_upright():
    picture = io.BytesIO()
    image = Image.new("RGB", (320, 180), "red")
    image.paste("blue", (0, 90, 320, 180))
    turned_twice = Image.Exif()
    turned_twice[0x0112] = 3
    image.save(picture, "JPEG", exif=turned_twice)

    clip = video.encode(picture.getvalue(), Shape(1))

    with av.open(io.BytesIO(clip)) as film:
        top = next(film.decode(video=0)).to_image().getpixel((640, 20))
    assert top[2] > top[0]


def test_the_same_picture_and_shape_are_encoded_once():
    cache, picture = video.Cache(), gradient()

    first = cache.get(picture, Shape(1))
    again = cache.get(bytes(bytearray(picture)), Shape(1))

    assert again is first


def test_a_full_cache_forgets_the_oldest_clip():
    cache, picture = video.Cache(limit_bytes=1), gradient()

    first = cache.get(picture, Shape(1))
    cache.get(picture, Shape(1, "720p", "9:16"))

    assert cache.get(picture, Shape(1)) is not first


def test_an_encoding_can_be_given_up():
    with pytest.raises(video.CancelledError):
        video.encode(gradient(), Shape(8), cancelled=lambda: True)
