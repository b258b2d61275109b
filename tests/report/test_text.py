import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from bridle.records import Finding, Severity
from bridle.report import print_summary, verdict


def printed(evidence, report=None, width=100, **options):
    stream = io.StringIO()
    print_summary(evidence, Console(file=stream, width=width, **options), report)
    return stream.getvalue()


def row(text, name):
    return next(line for line in text.splitlines() if line.startswith(name))


def test_the_verdict_comes_first_and_the_report_last(searched):
    lines = printed(searched, Path("runs/digits/report.html"), width=400).splitlines()
    assert lines[0].strip() == verdict(searched)
    assert lines[-1].strip() == "Report: runs/digits/report.html"


def test_the_chosen_recipe_against_each_baseline(searched):
    text = printed(searched)
    assert "log-loss (lower is better)" in text
    assert "0.081 [0.061, 0.101]" in row(text, "chosen recipe")
    assert "0.040 [0.022, 0.058]" in row(text, "no regularization")
    assert "0.012 [-0.005, 0.029]" in row(text, "early stopping only")
    assert "0.951" in row(text, "logistic regression")
    assert "An interval that covers zero means: no difference shown." in text


def test_better_is_green_and_worse_is_red(regressed, searched):
    assert "\x1b[32m0.040 [0.022, 0.058]" in printed(searched, force_terminal=True)
    assert "\x1b[31m-1,200 [-2,100, -330]" in printed(regressed, force_terminal=True)


def test_warnings_are_shown_and_mere_information_is_not(searched):
    text = printed(searched)
    assert "warning: 2 candidates stopped" in text
    assert "pixels never change" not in text


def test_what_was_asked_beyond_the_choice_is_said(searched, bare):
    text = printed(searched, width=400)
    assert "Log-loss that each regularizer buys: EMA (training fails without it), rotation +0.020 ± 0.003" in text
    assert "L2 +0.001 ± 0.003 (not needed)." in text
    assert "The final recipe was trained without L2" in text
    assert "2,874 training rows instead of 1,437 would improve log-loss" in text
    assert "2 of 4 features survive in 90 % of 100 halves" in text
    assert "each regularizer buys" not in printed(bare)


def test_optimism_and_nested_cross_validation(searched, single):
    lines = printed(searched, width=400).splitlines()
    assert any(line.startswith("Optimism: Choosing among 60 recipes flatters by 0.0024") for line in lines)
    assert any(line.startswith("Nested: log-loss 0.086 [0.071, 0.101] over 3 outer folds") for line in lines)
    assert "Optimism" not in printed(single)


def test_strengths_by_evidence_stand_beside_the_choice(searched):
    text = printed(searched, width=400)
    assert "L2 by layer from the marginal likelihood, without validation data: log-loss 0.091 ± 0.006 after" in text


def test_the_audit_is_a_line(searched, single):
    said = " ".join(printed(searched).split())
    assert "Audit of a training step: L2 3e-4 to 6e-4, weight decay 0.02 measured, not as declared" in said
    assert "3 checks found 1: nan loss." in said
    assert "Audit" not in printed(single)


def test_a_single_training_has_no_comparisons(single):
    text = printed(single)
    assert "given recipe" in text
    assert "better by" not in text


def test_nothing_tested(bare):
    assert "has not been scored" in printed(bare)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_every_terminal(searched, width):
    assert all(len(line) <= width for line in printed(searched, Path("a" * 100), width=width).splitlines())


def test_text_from_data_is_neither_markup_nor_an_escape_sequence(hostile):
    findings = (Finding("name", Severity.WARNING, "[bold red]a column[/] \x1b[31m \udcff", {}),)
    text = printed(dataclasses.replace(hostile, findings=findings), Path("[red]x\x1b[31m"), force_terminal=False)
    assert "[bold red]a column[/]" in text
    assert "\x1b" not in text
    assert "[red]x" in text
    text.encode("utf-8")
