"""What acted on each weight, on the page."""

import dataclasses

from bridle.records import RunAudit
from bridle.report.html import render
from bridle.report.sections.audit import FOLDED, SHOWN, content


def test_a_search(searched):
    shown = content(searched)
    assert shown["step"] == "step 340 of 680, learning rate 0.0012"
    assert shown["optimizer"] == "AdamW"
    assert [row.name for row in shown["rows"]] == ["stages.0.weight", "head.weight", "head.bias"]
    assert (shown["more"], shown["left"], shown["layers"]) == ([], 0, False)
    assert shown["notes"] == ("dropout is part of data.",)
    assert (shown["checks"], shown["found"]) == ("3 checks", [("warning", "nan loss")])


def test_the_page(searched, tmp_path):
    text = render(searched, tmp_path)
    assert "L2 3e-4 → 6e-4" in text
    assert '<span class="bad">L2 3e-4 → 6e-4</span>' in text
    assert "<span>L2 3e-4 → 3e-4</span>" in text
    assert "not used" in text
    assert "step 340 of 680" in text
    assert '<a href="#findings">nan loss</a> (warning).' in text
    assert "Dropout is part of data." in text
    assert "looked at the step, the network and the rows, and found no mistake" not in text


def test_a_large_network_is_cut(searched):
    ledger = searched.audit.ledger
    entries = tuple(
        dataclasses.replace(ledger.entries[0], name=f"b{block}.{name}")
        for block in range(SHOWN + FOLDED + 7)
        for name in ("weight", "bias")
    )
    large = dataclasses.replace(searched.audit, ledger=dataclasses.replace(ledger, entries=entries))
    shown = content(dataclasses.replace(searched, audit=large))
    assert (len(shown["rows"]), len(shown["more"]), shown["left"], shown["layers"]) == (SHOWN, FOLDED, 7, True)


def test_a_step_that_could_not_be_audited(searched, tmp_path):
    failed = dataclasses.replace(searched, audit=RunAudit(None, checks=("shared_rows",), failure="RuntimeError: no"))
    text = render(failed, tmp_path)
    assert "The training step of this run could not be audited: RuntimeError: no" in text
    assert "1 check looked at the step, the network and the rows, and found no mistake." in text
    assert "What moved each" not in text


def test_a_run_of_before(single):
    assert content(single) is None
