import base64
import dataclasses

from bridle.records import Sample
from bridle.report.sections.gallery import PNG, content


def test_pictures_are_inside_the_page(searched, run):
    sample = content(searched, run / "gallery")["samples"][0]
    assert len(sample["augmented"]) == 8
    kind, _, encoded = sample["original"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(encoded) == (run / "gallery" / "0.png").read_bytes()


def test_a_missing_picture_is_none(searched, run):
    (run / "gallery" / "0.png").unlink()
    assert content(searched, run / "gallery")["samples"][0]["original"] is None


def test_only_pictures_below_the_gallery_are_read(searched, run):
    (run / "secret.png").write_bytes(PNG)
    (run / "gallery" / "text.png").write_text("no picture")
    (run / "gallery" / "link.png").symlink_to(run / "secret.png")
    names = ("../secret.png", str(run / "secret.png"), "text.png", "link.png", "", ".")
    evidence = dataclasses.replace(searched, gallery=(Sample("a", "0.png", names),))
    assert content(evidence, run / "gallery")["samples"][0]["augmented"] == [None] * len(names)


def test_no_gallery(single, tmp_path):
    assert content(single, tmp_path) is None
