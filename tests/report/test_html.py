import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from bridle.errors import StorageError
from bridle.records import Finding, Severity
from bridle.report import html
from bridle.report.figures.figure import Figure, layout


class Page(HTMLParser):
    """What a browser would see: elements, scripts, and the text outside of them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.text, self.policy = [], [], [], ""
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag == "script":
            self._script = (attributes.get("type", ""), [])

    def handle_endtag(self, tag):
        if tag == "script":
            kind, parts = self._script
            self.scripts.append((kind, "".join(parts)))
            self._script = None

    def handle_data(self, data):
        (self._script[1] if self._script else self.text).append(data)

    def sections(self):
        return [attributes["id"] for tag, attributes in self.elements if tag == "section"]

    def figures(self):
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]

    def code(self):
        return [text for kind, text in self.scripts if not kind]


def page(evidence, folder):
    return Page(html.write_html(evidence, folder).read_text(encoding="utf-8"))


def test_the_whole_page_of_a_search(searched, run):
    found = page(searched, run)
    assert found.sections() == list(html.TITLES)
    assert len(found.figures()) == 1 + 1 + 2 + 3 + 1 + 6 + 1 + 1 + 4 + 3 + 1
    assert sum(tag == "img" for tag, _ in found.elements) == 36
    assert html.write_html(searched, run) == run / "report.html"


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("regressed", ["sure", "sealed", "curves", "candidates", "recipe", "mistakes", "data", "origin"]),
        ("single", ["sure", "sealed", "curves", "recipe", "mistakes", "data"]),
        ("bare", ["data"]),
    ],
)
def test_sections_without_content_are_left_out(name, sections, request, tmp_path):
    found = page(request.getfixturevalue(name), tmp_path)
    assert found.sections() == sections
    links = [attributes["href"] for tag, attributes in found.elements if tag == "a"]
    assert links == [f"#{section}" for section in sections]


def test_the_page_asks_for_nothing_from_outside(searched, run):
    found = page(searched, run)
    for tag, attributes in found.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            address = attributes.get(name, "")
            assert address.startswith(("data:", "#")) or not address, f"<{tag} {name}={address}>"
    assert found.policy.startswith("default-src 'none';")
    assert "url(" not in html._template("style.css")


def test_only_the_page_own_scripts_may_run(hostile, tmp_path):
    found = page(hostile, tmp_path)
    assert len(found.code()) == 2
    for script in found.code():
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in found.policy
    assert found.policy.count("sha256-") == 2
    assert "unsafe-inline" not in found.policy.partition("script-src")[2]


def test_text_from_data_makes_no_element(searched, hostile, tmp_path):
    calm = {tag for tag, _ in page(searched, tmp_path).elements}
    found = page(hostile, tmp_path)
    assert {tag for tag, _ in found.elements} <= calm | {"img"}
    assert all(attributes["src"].startswith("data:") for tag, attributes in found.elements if tag == "img")
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    text = "".join(found.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }} {% raw %}" in text


def test_no_figure_can_end_its_script_element(hostile, tmp_path):
    text = html.write_html(hostile, tmp_path).read_text(encoding="utf-8")
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert len(blocks) == len(Page(text).figures()) > 5
    assert not any(set(block) & set("<>&") for block in blocks)


def test_the_embedded_json_is_the_figure():
    figure = Figure([{"x": ["</script>", "a & b"]}], layout(10), "says")
    assert json.loads(html.embedded(figure)) == {"data": figure.data, "layout": figure.layout}


def test_what_is_not_finite_never_reaches_the_page():
    with pytest.raises(ValueError, match="not JSON compliant"):
        html.embedded(Figure([{"x": [float("nan")]}], layout(10), "says"))


def test_broken_code_points_do_not_break_the_page(bare, tmp_path):
    findings = (Finding("name", Severity.INFO, "a\udcffb", {}),)
    assert "a?b" in "".join(page(dataclasses.replace(bare, findings=findings), tmp_path).text)


def test_a_page_is_replaced_whole_and_leaves_nothing_beside_it(bare, tmp_path):
    (tmp_path / "report.html").write_text("old")
    html.write_html(bare, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "Bridle report" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_full_disk_leaves_the_old_page(bare, tmp_path, monkeypatch):
    (tmp_path / "report.html").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StorageError, match=r"report\.html could not be written \(No space left on device\)"):
        html.write_html(bare, tmp_path)
    assert (tmp_path / "report.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there(bare, tmp_path):
    with pytest.raises(StorageError, match="could not be written"):
        html.write_html(bare, tmp_path / "missing")


def test_the_same_evidence_gives_the_same_page(searched, run):
    assert html.write_html(searched, run).read_bytes() == html.write_html(searched, run).read_bytes()
