"""Small pictures for lists, made of the prepared picture whenever a browser asks.

None is stored, so that nothing is left behind when a short is deleted: a browser keeps its own for
long, and asks for each about once. A prepared picture is our own JPEG of at most
`pictures.SENT_LONG_SIDE` pixels, which the decoder shrinks while it reads.
"""

import io

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from generation import files

SIZE = 480, 360
# Of a picture that is taller than that, a little more of the upper part, where faces are.
CENTRE = 0.5, 0.4
QUALITY = 80


def of(*, picture: str) -> bytes:
    """A JPEG of `SIZE` pixels, cut to that shape. Raises FileNotFoundError."""
    image = JpegImageFile(io.BytesIO(files.read(picture)))
    image.draft("RGB", SIZE)
    small = ImageOps.fit(image, SIZE, Image.Resampling.LANCZOS, centering=CENTRE)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
