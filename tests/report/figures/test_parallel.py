import dataclasses
import math

import pytest

from bridle.report.figures.parallel import OUT, parallel_figure


def dialled(evidence, *dials):
    """The evidence with as many candidates as dials, scored 0, 1, 2 ...; the second is chosen."""
    candidates = tuple(
        dataclasses.replace(
            evidence.candidates[0], number=number, name=f"trial {number}", score=float(number), dials=of
        )
        for number, of in enumerate(dials)
    )
    return dataclasses.replace(evidence, candidates=candidates, choice=dataclasses.replace(evidence.choice, number=1))


def lines(figure):
    return {trace["hovertemplate"].partition(":")[0]: trace for trace in figure.data}


def test_every_recipe_is_a_line_through_all_dials(searched, sound):
    figure = sound(parallel_figure(searched))
    assert len(figure.data) == 60
    assert {tuple(trace["y"]) for trace in figure.data} == {(0, 1, 2, 3, 4, 5)}
    names = [text["text"] for text in figure.layout["annotations"][::2]]
    assert names == list(searched.candidates[0].dials)
    assert all(OUT <= place <= 1 for trace in figure.data for place in trace["x"])


def test_places_follow_the_scale_of_each_dial(searched, sound):
    evidence = dialled(
        searched,
        {"l2.strength": 1e-6, "dropout.rate": 0.1, "training.optimizer": "adamw"},
        {"l2.strength": 1e-4, "dropout.rate": 0.2, "training.optimizer": "sgd"},
        {"l2.strength": 1e-2, "dropout.rate": 0.5, "training.optimizer": "adam"},
    )
    figure = sound(parallel_figure(evidence))
    found = lines(figure)
    assert found["trial 1"]["x"] == pytest.approx([0.5, 0.25, 1.0])
    assert found["trial 2"]["x"] == pytest.approx([1.0, 1.0, 0.0])
    assert [text["text"] for text in figure.layout["annotations"][1::2]] == [
        "1e-6 … 0.01",
        "0.1 … 0.5",
        "adam … adamw … sgd",
    ]


def test_a_dial_that_a_recipe_does_without_lies_beside_the_axis(searched, sound):
    evidence = dialled(
        searched,
        {"l2.strength": 1e-6, "shift.active": True, "shift.fraction": 0.1, "ema.active": True, "same": 1},
        {"l2.strength": 1e-4, "shift.active": False, "ema.active": False, "same": 1},
        {"l2.strength": 1e-2, "shift.active": True, "shift.fraction": 0.2, "ema.active": True, "same": 1},
    )
    figure = sound(parallel_figure(evidence))
    assert [text["text"] for text in figure.layout["annotations"][::2]] == [
        "l2.strength",
        "shift.fraction",
        "ema.active",
    ]
    assert lines(figure)["trial 1"]["x"] == pytest.approx([0.5, OUT, 0.0])


def test_colours_are_quarters_of_the_ranking_and_the_chosen_is_drawn_last(searched):
    evidence = dialled(searched, *({"a": float(place), "b": float(-place)} for place in range(8)))
    figure = parallel_figure(evidence)
    ranks = [trace["line"]["color"] for trace in figure.data]
    assert ranks == ["<rank-4>", "<rank-4>", "<rank-3>", "<rank-3>", "<rank-2>", "<rank-2>", "<rank-1>", "<chosen>"]
    better_up = parallel_figure(dataclasses.replace(evidence, higher_is_better=True))
    assert lines(better_up)["trial 7"]["line"]["color"] == "<rank-1>"
    assert [name for name, _ in figure.keys] == ["best quarter", "second", "third", "worst quarter", "chosen"]


def test_lines_that_meet_in_few_values_are_fanned_out_the_best_first(searched):
    evidence = dialled(searched, *({"a": float(place), "b": place % 2 == 0} for place in range(6)))
    found = lines(parallel_figure(evidence))
    assert [found[f"trial {number}"]["x"][1] for number in range(6)] == pytest.approx(
        [0.9, 0.02, 0.94, 0.06, 0.98, 0.1]
    )
    assert [found[f"trial {number}"]["x"][0] for number in range(6)] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


def test_no_figure_of_one_dial_or_two_recipes(searched, single):
    assert parallel_figure(single) is None
    assert parallel_figure(dialled(searched, {"a": 1.0}, {"a": 2.0}, {"a": 3.0})) is None
    assert parallel_figure(dialled(searched, {"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 3.0})) is None
    failed = dataclasses.replace(searched.candidates[0], score=math.nan)
    assert parallel_figure(dataclasses.replace(searched, candidates=(failed,) * 5)) is None
