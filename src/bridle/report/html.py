"""The page: one HTML file with everything in it, which opens without a network."""

import base64
import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from bridle.errors import StorageError
from bridle.records import Evidence
from bridle.report.figures.figure import Figure
from bridle.report.sections import (
    attribution,
    audit,
    candidates,
    curves,
    data,
    findings,
    gallery,
    headline,
    laplace,
    learning_curve,
    mistakes,
    origin,
    recipe,
    sealed,
    stability,
    sure,
    weights,
)
from bridle.report.wording import sentence, typeset

FILE = "report.html"
TITLES = {
    "sure": "How sure is this?",
    "sealed": "On the sealed test rows",
    "curves": "Training and validation",
    "candidates": "What each candidate scored",
    "laplace": "L2 by the marginal likelihood",
    "recipe": "The recipe",
    "attribution": "What each regularizer is worth",
    "learning_curve": "What more data would buy",
    "stability": "Which features survive",
    "mistakes": "Where it is wrong",
    "weights": "The weights",
    "audit": "What acted on each weight",
    "gallery": "What augmentation does",
    "data": "The data",
    "findings": "Findings",
    "origin": "How this was made",
}


def write_html(evidence: Evidence, folder: Path) -> Path:
    """Write ``folder/report.html``, whole or not at all.

    Args:
        evidence: What to report.
        folder: The run's folder; pictures are taken from its ``gallery``.

    Returns:
        The path of the page.

    Raises:
        StorageError: If the page cannot be written.
    """
    return write_page(folder / FILE, render(evidence, folder / "gallery"))


def write_page(path: Path, text: str) -> Path:
    """Write a page's text, whole or not at all.

    Raises:
        StorageError: If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(text.encode("utf-8", "replace"))
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path} could not be written ({error.strerror}). Free some space or pick another folder."
        ) from error
    return path


def render(evidence: Evidence, pictures: Path) -> str:
    """The page's text; ``pictures`` is the folder of the gallery."""
    contents: dict[str, dict[str, Any] | None] = {
        "sure": sure.content(evidence),
        "sealed": sealed.content(evidence),
        "curves": curves.content(evidence),
        "candidates": candidates.content(evidence),
        "laplace": laplace.content(evidence),
        "recipe": recipe.content(evidence),
        "attribution": attribution.content(evidence),
        "learning_curve": learning_curve.content(evidence),
        "stability": stability.content(evidence),
        "mistakes": mistakes.content(evidence),
        "weights": weights.content(evidence),
        "audit": audit.content(evidence),
        "gallery": gallery.content(evidence, pictures),
        "data": data.content(evidence),
        "findings": findings.content(evidence),
        "origin": origin.content(evidence),
    }
    return page(
        "report.html.jinja",
        head=headline.content(evidence),
        titles=TITLES,
        sections={name: content for name, content in contents.items() if content is not None},
    )


def page(template: str, **content: Any) -> str:
    """A page's text: a template with the style, plotly and the drawing script, which its policy alone allows to run."""
    scripts = [_script(get_plotlyjs()), _script(_template("draw.js"))]
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(_template("style.css")),  # our own file, not data
            scripts=scripts,
            script_sources=" ".join(_source(script) for script in scripts),
            **content,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bridle.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"embedded": embedded, "typeset": typeset, "sentence": sentence}
    return environment


def embedded(figure: Figure) -> Markup:
    """A figure as JSON for a ``<script>`` element: no text in it can end that element."""
    text = json.dumps({"data": figure.data, "layout": figure.layout}, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _template(name: str) -> str:
    return files("bridle.report").joinpath("templates", name).read_text(encoding="utf-8")


def _script(text: str) -> Markup:
    return Markup(text.replace("\r\n", "\n"))


def _source(script: str) -> str:
    """What the page's policy allows to run: exactly this script, nothing that data could smuggle in."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
