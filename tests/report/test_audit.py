"""The table of an audit."""

from io import StringIO

from rich.console import Console

from bridle.records import Audit, Entry, Finding, Ledger, Part, Severity
from bridle.report.audit import print_audit


def entry(name, **fields):
    return Entry(name, "matrices", (2, 2), True, True, True, 2.0, 0.1, 0.0, 0.1, 1.0, 0.5, **fields)


def printed(audit, width=160):
    console = Console(file=StringIO(), width=width)
    print_audit(audit, console)
    return console.file.getvalue()


def test_shares_strengths_and_findings():
    parts = {"data": Part(0.1, 0.9, 0.0), "penalty": Part(0.02, 0.1, 0.01)}
    entries = (
        entry("fc.weight", parts=parts, strength=3e-4, penalty="L2", l1_strength=0.0),
        entry("[link=x]out", penalty="L1", l1_strength=0.02, strength=0.0, decay=0.05),
        entry("both", penalty="L2 and L1", l1_strength=0.02, strength=0.3),
        entry("group", penalty="unknown"),
    )
    finding = Finding("decay_scope", Severity.WARNING, "Decay on [bold]biases.")
    text = printed(Audit(Ledger(entries, "SGD", notes=("A note.",)), (finding,), ("A file.",)))
    lines = text.splitlines()
    assert lines[0] == "What moved the weights in one step of SGD, in shares of each movement"
    assert " ".join(lines[1].split()) == "parameter moved data penalty L2 strength L1 strength decay used"
    assert lines[2].split() == ["fc.weight", "5.00%", "90.0%", "10.0%", "3e-4", "–", "–", "yes"]
    assert lines[3].split() == ["[link=x]out", "5.00%", "–", "–", "–", "0.02", "0.05", "yes"]
    assert lines[4].split()[4:7] == ["0.3", "0.02", "–"]
    assert lines[5].split()[4:7] == ["unknown", "unknown", "–"]
    assert "warning decay_scope: Decay on [bold]biases." in text
    assert "A note." in text
    assert "A file." in text


def test_nothing_found():
    assert "No mistake found." in printed(Audit(Ledger((entry("w"),), "Adam"), ()))


def test_several_processes():
    text = printed(Audit(Ledger((entry("w"),), "Adam", processes=4), ()))
    assert text.startswith("What moved the weights in one step of Adam in 4 processes, in shares of each movement")


def test_a_narrow_terminal_gets_two_tables_with_every_number_whole():
    names = ("data", "penalty", "decay", "proximal", "clipping", "interaction")
    parts = {name: Part(0.1, place / 10, 0.0) for place, name in enumerate(names)}
    name = "encoder.layer.0.attention.self.query.weight"
    held = entry(name, parts=parts, strength=4.68e-5, penalty="L2 and L1", l1_strength=1.23e-4, decay=3.99e-5)
    lines = printed(Audit(Ledger((held,), "SGD"), ()), 80).splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("parameter")]
    (first, *cells), (second, *strengths) = (lines[head + 1].split() for head in heads)
    assert lines[heads[0]].split() == ["parameter", "moved", "data", "penalty", "decay", "proximal", "clipping", "rest"]
    assert cells == ["5.00%", "0.0%", "10.0%", "20.0%", "30.0%", "40.0%", "50.0%"]
    assert strengths == ["4.68e-5", "1.23e-4", "3.99e-5", "yes"]
    assert first + "".join(lines[heads[0] + 2 : heads[1] - 1]).replace(" ", "") == name
    assert second + lines[heads[1] + 2].strip() == name
    assert any(line.startswith("Rest is what earlier steps") for line in lines)
