import re
from html import unescape

import pytest

from bridle.report import recipe

TEXT = """\
# "quoted" <comment> = 3
[training]
epochs = 34
optimizer = "a\\"b # not a comment"
amp = true
[[regularizers]]
name = "l2"
strength = 3e-4
scope = { names = "head.*" }
[[regularizers]]
name = "dropout"
rate = 0.2
[[regularizers]]
name = "early_stopping"
patience = 5
fraction = 0.1
[[regularizers]]
name = "crop"
padding = 2
fill = true
[[regularizers]]
name = "shift"
x = 0.1
y = 0.2
[[regularizers]]
name = "ema"
[[regularizers]]
name = "rotation"
degrees = { from = 0, to = 10 }
"""


def test_regularizers_in_a_few_words():
    assert recipe.regularizers(TEXT) == [
        "L2 3e-4", "dropout 0.2", "early stopping 5", "crop 2", "shift", "EMA", "rotation",
    ]  # fmt: skip


def test_an_augmentation_is_summed_up_by_its_own_dial_not_by_its_rate():
    text = '[[regularizers]]\nname = "rotation"\ndegrees = 6.5\nrate = 1.0\n'
    assert recipe.regularizers(text) == ["rotation 6.5"]


@pytest.mark.parametrize("text", ["", "not = = toml", "regularizers = [1, 2]", "[training]\nepochs = 3"])
def test_a_recipe_without_readable_regularizers_has_none(text):
    assert recipe.regularizers(text) == []


def test_highlighting_changes_no_character():
    assert unescape(re.sub(r"</?span[^>]*>", "", recipe.highlighted(TEXT))) == TEXT


def test_every_token_has_its_colour():
    found = recipe.highlighted(TEXT)
    assert '<span class="toml-section">[[regularizers]]</span>' in found
    assert '<span class="toml-key">strength</span> = <span class="toml-number">3e-4</span>' in found
    assert '<span class="toml-string">&#34;a\\&#34;b # not a comment&#34;</span>' in found
    assert '<span class="toml-comment"># &#34;quoted&#34; &lt;comment&gt; = 3</span>' in found
    assert '<span class="toml-number">true</span>' in found


def test_markup_in_a_recipe_is_escaped():
    found = recipe.highlighted('name = "</code><script>alert(1)</script>"\n<b> # <i>')
    assert "<script" not in found
    assert "<b>" not in found
    assert "<i>" not in found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("strength = 3e-4", "3e-4"),
        ('strength = 3e-4\nscope = "all"', "3e-4"),
        ('strength = 3e-4\nscope = "biases"', "–"),
        ('strength = { "blocks.1" = 0.2, "blocks.*" = 0.1, "*" = 0.5 }', "0.1"),
        ('strength = { "blocks.0.up.weight" = 0.2 }', "0.2"),
        ('strength = { "head" = 0.2 }', "–"),
        ("strength = { from = 1e-3, to = 1e-5 }", "scheduled"),
        ('strength = { "*" = { from = 1e-3, to = 1e-5 } }', "scheduled"),
    ],
)
def test_the_strength_of_a_layer(lines, expected):
    assert recipe.strength_of(f'[[regularizers]]\nname = "l2"\n{lines}\n', "blocks.0.up.weight") == expected


@pytest.mark.parametrize("text", ["", "= broken", '[[regularizers]]\nname = "l1"\nstrength = 0.1'])
def test_no_strength_where_there_is_no_l2(text):
    assert recipe.strength_of(text, "head.weight") == "–"
