"""Transformers of scikit-learn are noticed with what they were fitted on."""

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bridle.auditing import transformers
from bridle.auditing.transformers import Transformers
from bridle.auditing.witnessed import Witnessed

ROWS, TARGETS = np.arange(24.0).reshape(8, 3) % 5, np.arange(8) % 2


def fitted(act):
    found, before = Witnessed(), BaseEstimator._validate_params
    noticing = Transformers(found)
    with noticing.noticed():
        act(noticing)
    assert BaseEstimator._validate_params is before
    StandardScaler().fit(ROWS)
    return [(type(fit.transformer).__name__, fit.rows, fit.targets, fit.in_pipeline) for fit in found.fits]


def test_rows_and_targets():
    words = ["a word", "another one"]

    def act(_):
        StandardScaler().fit_transform(ROWS)
        SelectKBest(k=1).fit(ROWS, y=TARGETS)
        TfidfVectorizer().fit_transform(raw_documents=words)
        LogisticRegression().fit(ROWS, TARGETS)

    scaler, chooser, text, weighted = fitted(act)
    assert weighted[0] == "TfidfTransformer"
    assert scaler[0] == "StandardScaler"
    assert scaler[1] is ROWS
    assert scaler[2] is None
    assert chooser[1] is ROWS
    assert chooser[2] is TARGETS
    assert text[1] is words


def test_however_they_are_given():
    words = ["a word", "another one"]

    def act(_):
        StandardScaler().fit(X=ROWS)
        SelectKBest(k=1).fit(ROWS, TARGETS)
        CountVectorizer().fit_transform(raw_documents=words)

    scaler, chooser, counter = fitted(act)
    assert scaler[1] is ROWS
    assert chooser[2] is TARGETS
    assert counter[1] is words


class Own(TransformerMixin, BaseEstimator):
    """An estimator that asks for the check in a function of its own, where no rows are to be seen."""

    _parameter_constraints: ClassVar = {}

    def fit(self, X, y=None):
        self._validate_params()
        return self


def test_rows_out_of_sight():
    assert fitted(lambda _: Own().fit(ROWS)) == []


def test_more_than_are_kept(monkeypatch):
    monkeypatch.setattr(transformers, "MOST", 2)
    assert [name for name, *_ in fitted(lambda _: [PCA(1).fit(ROWS) for _ in range(3)])] == ["PCA", "PCA"]


def test_steps_of_a_pipeline():
    found = fitted(lambda _: make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, TARGETS))
    assert [(name, inside) for name, *_, inside in found] == [("StandardScaler", True)]
    found = fitted(lambda _: make_pipeline(StandardScaler(), PCA(1)).fit(ROWS))
    assert [(name, inside) for name, *_, inside in found] == [
        ("Pipeline", False),
        ("StandardScaler", False),
        ("PCA", False),
    ]


def test_not_while_paused():
    def act(noticing):
        noticing.paused = True
        StandardScaler().fit(ROWS)

    assert fitted(act) == []
