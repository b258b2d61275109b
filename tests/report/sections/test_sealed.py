import dataclasses

from bridle.report.sections.sealed import Cell, content


def test_every_metric_of_everything_tested(searched):
    found = content(searched)
    assert found["names"][:2] == ["chosen recipe", "no regularization"]
    assert [row["heading"] for row in found["metrics"]][:3] == ["log-loss ↓", "accuracy ↑", "balanced accuracy ↑"]
    assert [row["main"] for row in found["metrics"]][:2] == [True, False]
    assert found["metrics"][0]["cells"][0] == Cell("0.081", "[0.061, 0.101]")
    assert len(found["figures"]) == 2


def test_every_difference_with_what_it_allows_to_say(searched):
    found = content(searched)
    assert [row["heading"] for row in found["differences"]] == ["log-loss", "accuracy"]
    assert found["differences"][0]["cells"][0] == Cell("0.040", "[0.022, 0.058]", "better", "good")
    assert found["differences"][0]["cells"][2].reading == "no difference shown"


def test_what_was_not_measured_is_a_dash(searched, regressed):
    mixed = dataclasses.replace(searched, tested=(*searched.tested[:1], *regressed.tested[1:2]))
    rows = {row["heading"]: row["cells"] for row in content(mixed)["metrics"]}
    assert rows["log-loss ↓"][1] == Cell("–")
    assert rows["RMSE ↓"][0] == Cell("–")
    partly = dataclasses.replace(searched, comparisons=searched.comparisons[:5])
    assert content(partly)["differences"][1]["cells"][3] == Cell("–")


def test_nothing_tested(bare):
    assert content(bare) is None
