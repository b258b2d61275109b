"""What all figures share.

A figure is plotly's plain data and layout. Colours are the style sheet's own variables (``<chosen>`` for ``--chosen``):
the page puts in their values when it draws, so that one figure serves light and dark. Text that comes from data passes
through :func:`label`, because plotly reads a little HTML in its texts; so none can be taken for a colour either.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bridle.report.wording import printable, shortened

CHOSEN, OTHER, NEAR = "<chosen>", "<other>", "<near>"
CLEAN, VALIDATION, WATCH, GAP = "<clean>", "<validation>", "<watch>", "<gap>"
BASELINE, FAINT = "<baseline>", "<faint>"


@dataclass(frozen=True)
class Figure:
    """One figure.

    Args:
        data: Plotly traces.
        layout: Plotly layout.
        says: What it shows, for who cannot see it.
        title: A line above it; plain text, the page escapes it.
        caption: What to look for; may be empty in a group of small figures.
        keys: Names and colours of the legend.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    says: str
    title: str = ""
    caption: str = ""
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def height(self) -> int:
        """Height in pixels."""
        height: int = self.layout["height"]
        return height


def label(text: str, length: int = 24) -> str:
    """Text from data for a figure: shortened, and with the three signs that plotly would read as HTML written out."""
    plain = shortened(printable(text), length)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def finite(values: Iterable[float]) -> list[float | None]:
    """Values for a trace; what is not finite becomes a hole."""
    return [value if math.isfinite(value) else None for value in values]


def layout(height: int, **more: Any) -> dict[str, Any]:
    """A layout in the page's style; ``more`` adds to it or replaces."""
    base: dict[str, Any] = {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 10, "b": 8, "pad": 4},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
    }
    return base | more


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis in the page's style."""
    base: dict[str, Any] = {"automargin": True, "zeroline": False, "fixedrange": True, "exponentformat": "e",
                            "separatethousands": True}  # fmt: skip
    if title:
        base["title"] = {"text": title, "standoff": 10, "font": {"size": 12.5, "color": FAINT}}
    return base | more


def named_ticks(names: Sequence[str], most: int = 30) -> dict[str, Any]:
    """Ticks at 0, 1, 2, ... with names; where there are more than ``most``, every second, third, ... only."""
    step = max(1, math.ceil(len(names) / most))
    places = list(range(0, len(names), step))
    return {"tickmode": "array", "tickvals": places, "ticktext": [label(names[place], 18) for place in places]}
