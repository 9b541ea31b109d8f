"""The picture of the demo: a lake at sunset, drawn by code, 1280 x 720."""

import io
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT, HORIZON = 1280, 720, 430
SUN = (880, 350)
SKY = ((28, 44, 96), (252, 176, 96))
HILLS = (((96, 84, 122), 330, 42), ((62, 56, 92), 372, 30), ((30, 32, 52), 408, 20))


def picture() -> bytes:
    """The picture as a JPEG, the same at every call."""
    canvas = _gradient(*SKY, height=HORIZON)
    canvas = ImageChops.screen(canvas, _glow(canvas.size))
    chance = random.Random(7)
    for colour, height, roughness in HILLS:
        canvas = _with_hills(canvas, colour, height, roughness, chance)
    scene = Image.new("RGB", (WIDTH, HEIGHT))
    scene.paste(canvas, (0, 0))
    scene.paste(_water(canvas, chance), (0, HORIZON))
    grain = Image.frombytes("L", (WIDTH, HEIGHT), chance.randbytes(WIDTH * HEIGHT))
    scene = Image.blend(scene.filter(ImageFilter.GaussianBlur(0.7)), grain.convert("RGB"), 0.025)
    output = io.BytesIO()
    scene.save(output, "JPEG", quality=90)
    return output.getvalue()


def _gradient(top: tuple[int, ...], bottom: tuple[int, ...], *, height: int) -> Image.Image:
    mask = Image.linear_gradient("L").resize((WIDTH, height))
    return Image.composite(
        Image.new("RGB", (WIDTH, height), bottom), Image.new("RGB", (WIDTH, height), top), mask
    )


def _glow(size: tuple[int, int]) -> Image.Image:
    """The sun: a bright disc in a wide halo."""
    halo = Image.new("RGB", size)
    draw = ImageDraw.Draw(halo)
    for radius, colour in ((260, (70, 34, 8)), (120, (120, 70, 24)), (44, (255, 236, 190))):
        x, y = SUN
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        halo = halo.filter(ImageFilter.GaussianBlur(radius / 5))
        draw = ImageDraw.Draw(halo)
    return halo


def _with_hills(
    canvas: Image.Image,
    colour: tuple[int, ...],
    height: int,
    roughness: int,
    chance: random.Random,
) -> Image.Image:
    waves = [(chance.uniform(1, 4) ** 2, chance.uniform(0, 6.3)) for _ in range(5)]
    ridge = []
    for x in range(0, WIDTH + 4, 4):
        bumps = sum(math.sin(x / WIDTH * rate * 4 + shift) / rate**0.7 for rate, shift in waves)
        ridge.append((x, height - roughness * bumps + chance.uniform(-1.2, 1.2)))
    ImageDraw.Draw(canvas).polygon([(0, HORIZON), *ridge, (WIDTH, HORIZON)], fill=colour)
    return canvas


def _water(above: Image.Image, chance: random.Random) -> Image.Image:
    """The reflection: mirrored, darker, and broken into ripples that grow towards the viewer."""
    depth = HEIGHT - HORIZON
    mirrored = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).crop((0, 0, WIDTH, depth))
    water = Image.new("RGB", (WIDTH, depth))
    for row in range(depth):
        shift = int(math.sin(row * 0.55) * (1 + row / 26) + chance.uniform(-1, 1) * row / 40)
        water.paste(ImageChops.offset(mirrored.crop((0, row, WIDTH, row + 1)), shift, 0), (0, row))
    shade = Image.new("RGB", (WIDTH, depth), (16, 30, 58))
    return Image.blend(water.filter(ImageFilter.GaussianBlur(1.2)), shade, 0.34)
