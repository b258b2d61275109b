"""A contact sheet: examples in rows, their views in columns."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from bridle.core import Batch
from bridle.job.gallery import picture
from bridle.job.views import pixels

GAP, FONT, BACKGROUND, INK = 8, 14, "white", "black"
LABEL = 24
"""Longest label in characters; the rest is cut."""


def contact_sheet(views: Sequence[Batch], names: Sequence[str], labels: Sequence[str]) -> Image.Image:
    """One picture of all views.

    Args:
        views: The originals, then each view of them.
        names: The name of each view, written above its column.
        labels: The label of each example, written beside its row.
    """
    font = ImageFont.load_default(FONT)
    tiles = [[picture(pixels(image)) for image in view.inputs] for view in views]
    short = [label if len(label) <= LABEL else f"{label[: LABEL - 1]}…" for label in labels]
    wide, high = tiles[0][0].size
    wide = max(wide, *(int(font.getlength(name)) for name in names))
    left = GAP + max(int(font.getlength(label)) for label in short) + GAP
    top = GAP + FONT + GAP
    # The originals stand a little apart from their views.
    columns = [left + place * (wide + GAP) + (2 * GAP if place else 0) for place in range(len(views))]
    sheet = Image.new("RGB", (columns[-1] + wide + GAP, top + len(labels) * (high + GAP)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for name, x, column in zip(names, columns, tiles, strict=True):
        draw.text((x, GAP), name, INK, font)
        for row, tile in enumerate(column):
            sheet.paste(tile, (x, top + row * (high + GAP)))
    for row, label in enumerate(short):
        draw.text((GAP, top + row * (high + GAP) + (high - FONT) // 2), label, INK, font)
    return sheet
