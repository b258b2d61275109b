import numpy as np
import pytest

from bridle import BridleClassifier
from bridle.integrations.sklearn._spoken import Spoken
from bridle.job.progress import Progress

X, Y = np.arange(40.0).reshape(20, 2) % 7, np.arange(20) % 2


def test_it_prints_stages_and_sentences(capsys):
    told: Progress = Spoken()
    told.stage("search", 12)
    told.stage("refit", 0)
    told.advance(3, "best 1")
    told.say("A sentence.")
    assert capsys.readouterr().out == "[bridle] search: 12 trainings\n[bridle] refit\n[bridle] A sentence.\n"


@pytest.mark.parametrize("verbose", [False, True])
def test_only_verbose_estimators_print(verbose, fixed, capsys):
    BridleClassifier(fixed, verbose=verbose).fit(X, Y)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["[bridle] refit: 1 trainings"] * verbose
    assert not printed.err
