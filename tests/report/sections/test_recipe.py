import dataclasses

from bridle.report.sections.recipe import content


def test_the_recipe_is_highlighted(searched, single):
    assert '<span class="toml-section">[training]</span>' in content(searched)["text"]
    assert content(searched)["chosen"]
    assert not content(single)["chosen"]


def test_what_was_pruned_is_said(searched, single):
    assert content(searched)["pruned"]
    assert not content(single)["pruned"]


def test_no_recipe(bare):
    assert content(dataclasses.replace(bare, recipe=" \n")) is None
