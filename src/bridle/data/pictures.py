"""One picture file: what it is, and its pixels at working size."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F")
"""PIL's modes without colour."""

ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)
"""The EXIF tag of a camera's orientation, and its values that swap width and height."""


@final
@dataclass(frozen=True)
class Probe:
    """What the head of a file says.

    Args:
        height: In pixels, upright.
        width: In pixels, upright.
        grey: Whether it has no colour.
    """

    height: int
    width: int
    grey: bool


@final
class BadPicture(Exception):
    """A file that cannot be used, with the reason in a few words."""


@contextmanager
def quiet() -> Iterator[None]:
    """PIL's warnings off, but for the one on pictures that are suspiciously large: that is an error.

    To be entered once around all threads: warning filters belong to the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def probe(path: Path) -> Probe:
    """Read the head of a picture.

    Raises:
        BadPicture: If it cannot be read.
    """
    with _opened(path) as image:
        width, height = image.size
        turned = image.format == "JPEG" and image.getexif().get(ORIENTATION) in TURNED
        grey = image.mode in GREY or (image.mode == "P" and _grey_palette(image))
        return Probe(width, height, grey) if turned else Probe(height, width, grey)


def decode(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The pixels of a picture, upright, at ``(channels, height, width)``.

    The picture is scaled, its proportions kept, until it covers the wanted size, and what stands out is cut off
    evenly on both sides; transparent parts become white.

    Raises:
        BadPicture: If it cannot be read to its end.
    """
    channels, height, width = shape
    with _opened(path) as image:
        if image.format == "JPEG":
            longest = max(height, width)
            image.draft("L" if channels == 1 else "RGB", (longest, longest))
        upright = ImageOps.exif_transpose(image)
        plain = _plain(upright, "L" if channels == 1 else "RGB")
        sized = plain if plain.size == (width, height) else _covered(plain, width, height)
        return np.asarray(sized, dtype=np.uint8).reshape(height, width, channels).transpose(2, 0, 1)


def _covered(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
    box = (left, top, left + scale * width, top + scale * height)
    return image.resize((width, height), Image.Resampling.BILINEAR, box, reducing_gap=3.0)


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """Grey or RGB of 8 bits, transparency on white."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "La", "RGBa", "PA") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), coloured).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits to 8; numbers that fit 8 bits stay."""
    values = np.asarray(image, dtype=np.float64)
    if values.max(initial=0) > 255 or image.mode.startswith("I;16"):
        values = values / 257
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _grey_palette(image: Image.Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An open picture; whatever goes wrong with the file is a BadPicture."""
    if not path.stat().st_size:
        raise BadPicture("empty, 0 bytes")
    try:
        with Image.open(path) as image:
            yield image
    except UnidentifiedImageError:
        raise BadPicture("no picture in a known format") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise BadPicture(f"huge, more than {Image.MAX_IMAGE_PIXELS} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError) as error:
        raise BadPicture(f"damaged: {error}") from None
