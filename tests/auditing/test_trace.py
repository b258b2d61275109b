"""What a run changes and what it saw, by hand."""

import torch

from bridle.auditing.fits import Fit
from bridle.auditing.trace import Term, Trace, dense, in_form_of


def sparse():
    return torch.sparse_coo_tensor([[1, 1, 3]], [[1.0], [2.0], [4.0]], (4, 1), check_invariants=True)


def test_dense_copies():
    gradient = torch.ones(2)
    copy = dense(gradient)
    copy.add_(1)
    assert gradient.tolist() == [1.0, 1.0]
    assert dense(sparse()).flatten().tolist() == [0.0, 3.0, 0.0, 4.0]


def test_a_value_takes_the_sparse_form_of_a_gradient():
    value = torch.tensor([[9.0], [2.0], [9.0], [5.0]])
    assert in_form_of(torch.zeros(4, 1), value) is value
    given = in_form_of(sparse(), value)
    assert given.is_sparse
    assert given.to_dense().flatten().tolist() == [0.0, 2.0, 0.0, 5.0]


def test_a_term_at_later_weights():
    at, value = torch.tensor([2.0, -4.0]), torch.tensor([7.0, 7.0])
    known = Term(value, Fit(0.5, 0.1, True, 1.0))
    assert known.at(at, 0) is value
    torch.testing.assert_close(known.at(at, 1), torch.tensor([1.1, -2.1]))
    assert Term(value).at(at, 0) is value
    assert Term(value).at(at, 1) is None


def test_raw_gradients_are_the_unscaled_ones():
    weight = torch.ones(1)
    trace = Trace(accumulated={weight: torch.tensor([8.0])})
    assert trace.raw(weight).item() == 8.0
    trace.unscaled[weight] = torch.tensor([2.0])
    assert trace.raw(weight).item() == 2.0
    assert Trace().raw(weight) is None


def test_what_was_thrown_away_is_forgotten_in_the_first_evaluation():
    weight = torch.ones(1)
    for evaluations, kept in ((0, 0), (1, 1)):
        trace = Trace(
            passes={weight: 1},
            accumulated={weight: weight},
            losses=[1.0],
            roots=[1.0],
            data_weights=[weight],
            current={weight: 1},
            versions={weight: 3},
            evaluations=evaluations,
        )
        trace.forget()
        assert not trace.current
        assert not trace.versions
        held = (trace.passes, trace.accumulated, trace.losses, trace.roots, trace.data_weights)
        assert [len(one) for one in held] == [kept] * 5
