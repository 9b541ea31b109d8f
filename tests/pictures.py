"""Pictures made by code, for tests that need one."""

from io import BytesIO

from PIL import Image, ImageDraw


def jpeg(*, width: int, height: int, seed: int = 0) -> bytes:
    """A landscape of sky, sun and hills, as the bytes of a JPEG file."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    side = min(width, height)
    left = (seed * 37) % max(width - side // 3, 1)
    draw.ellipse((left, side // 10, left + side // 4, side // 10 + side // 4), fill="#ffd060")
    draw.polygon([(0, height), (width // 2, height // 2), (width, height)], fill="#2f6b3a")
    out = BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
