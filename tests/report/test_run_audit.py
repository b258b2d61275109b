"""The audit of a run in words and rows."""

import dataclasses

import pytest

from bridle.records import Effect, RunAudit
from bridle.report.run_audit import at_work, audit_sentence, dial_name, found, is_as_declared, rows, strengths


@pytest.mark.parametrize(
    ("dial", "name"),
    [
        ("l2.strength", "L2"),
        ("elastic_net.l1", "elastic net L1"),
        ("sparse_group_lasso.group", "sparse group lasso group"),
        ("training.weight_decay", "weight decay"),
        ("my.own.strength", "my.own"),
    ],
)
def test_names_of_strengths(dial, name):
    assert dial_name(dial) == name


@pytest.mark.parametrize(("measured", "holds"), [(0.1019, True), (0.103, False), (0.0, False), (float("nan"), True)])
def test_as_declared_is_within_two_per_cent(measured, holds):
    assert is_as_declared(Effect("l2.strength", "a", "gradient", 0.1, measured)) is holds


def test_each_strength_in_a_sentence(searched):
    assert strengths(searched.audit) == [
        ("L2", "Declared 3e-4, measured 3e-4 to 6e-4 on 2 parameters: not as declared on head.weight. Acts by its "
               "gradient."),
        ("weight decay", "Declared 0.02, measured 0.02 on 3 parameters. Acts on the weights before each update."),
    ]  # fmt: skip
    unseen = RunAudit(None, (Effect("l1.strength", "a", "proximal step", 0.1, float("nan")),))
    assert strengths(unseen) == [
        ("L1", "Declared 0.1, not to be seen on 1 parameter: there it has no gradient. Acts by an exact step after "
               "each update."),
    ]  # fmt: skip


def test_a_row_for_each_parameter(searched):
    first, last, bias = rows(searched.audit)
    assert (first.name, first.weights, first.moved) == ("stages.0.weight", "64", "1.0 %")
    assert first.shares == {"data": "90.0 %", "penalty": "6.0 %", "rest": "4.0 %"}
    assert first.strengths == (("L2 3e-4 → 3e-4", False), ("weight decay 0.02 → 0.02", False))
    assert last.shares["penalty"] == "-0.04 %"
    assert last.strengths[0] == ("L2 3e-4 → 6e-4", True)
    assert (first.unused, last.unused) == (False, True)
    assert (bias.moved, bias.shares, bias.strengths) == ("–", {}, (("weight decay 0.02 → not to be seen", False),))
    assert at_work(searched.audit) == ["data", "penalty"]


def test_of_many_parameters_a_row_for_each_layer(searched):
    ledger = searched.audit.ledger
    one, other = ledger.entries[:2]
    entries = tuple(
        dataclasses.replace(source, name=f"blocks.{block}.{name}")
        for block in range(13)
        for source, name in ((one, "weight"), (other, "bias"))
    )
    effects = (
        Effect("l2.strength", "blocks.3.weight", "gradient", 0.1, 0.1),
        Effect("l2.strength", "blocks.3.bias", "gradient", 0.2, 0.2),
    )
    found = rows(RunAudit(dataclasses.replace(ledger, entries=entries), effects))
    assert [row.name for row in found] == [f"blocks.{block}" for block in range(13)]
    assert found[3].weights == "128"
    assert found[3].strengths == (("L2 0.1 to 0.2 → 0.1 to 0.2", False),)
    # movements 0.02 and 0.04: the second counts four times
    assert found[0].shares["data"] == f"{100 * (0.9 + 4 * 0.8) / 5:.1f} %"
    assert found[0].moved == f"{100 * (0.02**2 + 0.04**2) ** 0.5 / 8**0.5:.1f} %"
    assert not found[0].unused


def test_findings_are_those_of_its_checks(searched, single):
    assert [finding.name for finding in found(searched)] == ["nan_loss"]
    assert found(single) == []


def test_in_a_sentence(searched, single):
    assert audit_sentence(searched) == (
        "Audit of a training step: L2 3e-4 to 6e-4, weight decay 0.02 measured, not as declared on head.weight. "
        "3 checks found 1: nan loss."
    )
    audit = searched.audit
    right = dataclasses.replace(audit, effects=audit.effects[:1], checks=("shared_rows",))
    assert audit_sentence(dataclasses.replace(searched, audit=right)) == (
        "Audit of a training step: L2 3e-4 measured, as declared. 1 check found no mistake."
    )
    none = dataclasses.replace(audit, effects=(), checks=())
    assert audit_sentence(dataclasses.replace(searched, audit=none)).startswith(
        "Audit of a training step: no penalty or decay acts on weights."
    )
    failed = RunAudit(None, checks=("shared_rows",), failure="RuntimeError: no")
    assert audit_sentence(dataclasses.replace(searched, audit=failed)) == (
        "The training step could not be audited: RuntimeError: no. 1 check found no mistake."
    )
    assert audit_sentence(single) == ""
