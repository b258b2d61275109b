import torch

from bridle.models.codes import Codes


def test_every_code_of_every_column_has_its_own_row():
    codes = Codes((3, 4))
    assert codes.rows == 7
    assert codes(torch.tensor([[0.0, 0.0], [2.0, 3.0]])).tolist() == [[0, 3], [2, 6]]


def test_there_may_be_no_column():
    codes = Codes(())
    assert codes.rows == 0
    assert codes(torch.zeros(5, 0)).shape == (5, 0)


def test_nothing_of_it_is_stored():
    assert not Codes((3, 4)).state_dict()
