"""Pictures, and the small ones that are shown until the large one has come."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from PIL import AvifImagePlugin, Image, ImageOps, UnidentifiedImageError

from connector.adapters.files.convert import jpeg, png
from connector.adapters.files.convert.job import THUMBNAIL_SIDE, Answer
from connector.adapters.files.convert.pipe import Pipe
from connector.adapters.files.convert.prepared import (
    DAMAGED,
    Prepared,
    Unsupported,
    head_of,
    named,
    not_one,
)

MOST_PIXELS: Final = 50_000_000
# Of what Pillow reads, what people have. None of these starts another program.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_READ: Final = frozenset(f"image/{name.lower()}" for name in FORMATS)
QUALITY: Final = 88
_ORIENTATION: Final = 0x0112  # its tag in Exif
_ON_ITS_SIDE: Final = 5  # from here on width and height change places
_SHOWN_MODES: Final = {
    "JPEG": ("L", "RGB"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
}
_DEEP_MODES: Final = ("I", "F")

Image.MAX_IMAGE_PIXELS = None  # we count ourselves, and refuse instead of warning
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # confinement.py allows no others


def image(file: BinaryIO, most_bytes: int) -> Prepared:
    """JPEG and PNG as they are, but for what tells too much; others become JPEG."""
    picture = opened(file)
    if picture.mode not in _SHOWN_MODES.get(picture.format or "", ()):
        return _converted(picture, most_bytes)
    orientation = _orientation(picture)
    width, height = picture.size
    if picture.format == "JPEG" and orientation >= _ON_ITS_SIDE:
        width, height = height, width
    mime_type = Image.MIME[picture.format or ""]
    small = thumbnail(picture)
    file.seek(0)
    data = file.read()
    return Prepared(
        answer=Answer(mime_type=mime_type, width=width, height=height, thumbnail=small),
        data=jpeg.without_metadata(data, orientation)
        if picture.format == "JPEG"
        else png.without_metadata(data),
    )


def only_thumbnail(file: BinaryIO, most_bytes: int) -> Prepared:  # noqa: ARG001 - as the others
    return Prepared(answer=Answer(thumbnail=thumbnail(opened(file))))


def opened(file: BinaryIO) -> Image.Image:
    """Its header is read, its pixels are not. Raises Unsupported."""
    file.seek(0)
    try:
        picture = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise _no_picture(head_of(file)) from None
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise Unsupported(
            f"The picture has {width * height // 1_000_000} million pixels, and at most "
            f"{MOST_PIXELS // 1_000_000} are sent: make it smaller, or send it as a "
            "document."
        )
    return picture


def _no_picture(head: bytes) -> Unsupported:
    if named(head) in _READ:
        return Unsupported(DAMAGED)
    cure = "send it as JPEG or PNG, or as a document"
    return not_one(head, "a picture that we read", cure)


def thumbnail(picture: Image.Image) -> bytes:
    """A JPEG of at most 100 pixels a side and 16 kB; the picture is used up."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    picture.draft("RGB", (2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
    picture.thumbnail(side)
    if picture.format != "PNG":
        ImageOps.exif_transpose(picture, in_place=True)
    out = io.BytesIO()
    flat(picture).save(out, "JPEG", quality=70)  # so many pixels never take 16 kB
    return out.getvalue()


def flat(picture: Image.Image) -> Image.Image:
    """In plain colours, what was transparent being white."""
    if picture.mode.startswith(_DEEP_MODES):
        raise Unsupported(
            "The picture has more than 8 bits a colour: send it as JPEG or PNG."
        )
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    colours = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, colours).convert("RGB")


def _converted(picture: Image.Image, most_bytes: int) -> Prepared:
    profile = picture.info.get("icc_profile") if picture.mode in _WITH_PROFILE else None
    ImageOps.exif_transpose(picture, in_place=True)  # a copy would be as large again
    upright = flat(picture)
    pipe = Pipe(most_bytes)
    upright.save(pipe, "JPEG", quality=QUALITY, icc_profile=profile)
    width, height = upright.size
    return Prepared(
        answer=Answer(
            mime_type="image/jpeg",
            width=width,
            height=height,
            thumbnail=thumbnail(upright),
        ),
        data=pipe.taken(),
    )


_WITH_PROFILE: Final = ("RGB", "RGBA", "P")


def _orientation(picture: Image.Image) -> int:
    told = picture.getexif().get(_ORIENTATION, 1)
    return told if isinstance(told, int) and 1 <= told <= 8 else 1  # noqa: PLR2004 - Exif's eight
