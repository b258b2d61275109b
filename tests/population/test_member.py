"""A member's files are named by what it is."""

import dataclasses

from bridle.core import Recipe
from bridle.population import Member
from bridle.records import Fold
from bridle.regularizers.penalties import L2


def test_the_name_says_stage_candidate_fold_and_seed(members):
    member = members(4)[3]
    assert member.name.startswith("search-c3-f1-s1-")
    again = Member(3, Recipe(training=member.recipe.training), Fold(1, member.fold.marks.copy()), 1)
    assert again.name == member.name


def test_two_members_that_differ_in_anything_have_two_names(members):
    member = members(1)[0]
    marks = member.fold.marks.copy()
    marks[0] = 1
    changes = [
        {"candidate": 1},
        {"recipe": Recipe(L2(0.1))},
        {"recipe": Recipe(L2(0.2))},
        {"fold": Fold(0, marks)},
        {"fold": Fold(1, member.fold.marks)},
        {"seed": 1},
        {"floor": True},
        {"stage": "refit"},
        {"keep": True},
    ]
    names = {dataclasses.replace(member, **change).name for change in changes}
    assert len(names | {member.name}) == len(changes) + 1
