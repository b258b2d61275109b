import dataclasses

from bridle.report.figures.dials import dial_figures
from bridle.report.figures.scores import standard_error_mark


def test_one_figure_per_dial(searched, sound):
    figures = {figure.title: sound(figure) for figure in dial_figures(searched)}
    assert list(figures) == list(searched.candidates[0].dials)
    assert figures["l2.strength"].layout["xaxis"]["type"] == "log"
    assert "1e-4" in figures["l2.strength"].layout["xaxis"]["ticktext"]
    assert "type" not in figures["dropout.rate"].layout["xaxis"]
    assert figures["ema.on"].layout["xaxis"]["ticktext"] == ["no", "yes"]
    assert figures["training.optimizer"].layout["xaxis"]["ticktext"] == ["adamw", "sgd"]


def test_the_chosen_one_is_drawn_last_and_marked(searched):
    (trace,) = dial_figures(searched)[0].data
    assert trace["marker"]["symbol"].index("diamond") == 59
    assert trace["marker"]["color"][-1] == "<chosen>"
    assert trace["marker"]["color"].count("<chosen>") == 1


def test_scores_have_their_errors_and_the_axis_its_mark(searched):
    figure = dial_figures(searched)[0]
    assert figure.layout["shapes"] == standard_error_mark(searched) != []
    best = next(item for item in searched.candidates if item.number == searched.choice.best)
    errors = dict(zip(figure.data[0]["text"], figure.data[0]["error_y"]["array"], strict=True))
    assert next(error for text, error in errors.items() if text.startswith(f"{best.name}:")) == best.error


def test_a_dial_that_was_left_out_is_not_drawn(searched, sound):
    some = tuple(
        dataclasses.replace(item, dials={"l2.strength": None if item.number % 2 else 0.1, "odd": [1, "<b>"]})
        for item in searched.candidates
    )
    figures = [sound(figure) for figure in dial_figures(dataclasses.replace(searched, candidates=some, choice=None))]
    assert len(figures[0].data[0]["x"]) == 30
    assert figures[1].layout["xaxis"]["ticktext"] == ["1, &lt;b&gt;"]


def test_a_dial_that_nobody_has_is_no_figure(searched):
    none = tuple(dataclasses.replace(item, dials={"l2.strength": None}) for item in searched.candidates)
    assert dial_figures(dataclasses.replace(searched, candidates=none)) == []


def test_only_failures(searched):
    assert dial_figures(dataclasses.replace(searched, candidates=searched.candidates[-2:])) == []
