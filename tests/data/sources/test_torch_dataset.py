import numpy as np
import pytest
import torch
from PIL import Image

from bridle.data.load import load
from bridle.errors import DataError
from bridle.records import Kind


class Items(torch.utils.data.Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        item = self.items[place]
        return item() if callable(item) else item


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield torch.zeros(2), 0


def test_tensors():
    images = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    data = load(Items([(image, place % 2) for place, image in enumerate(images)]))
    assert data.layout.kind is Kind.IMAGE
    np.testing.assert_array_equal(data.inputs, images)
    assert data.targets.tolist() == [0, 1] * 3
    assert (data.layout.low, data.layout.high) == (0, 1)
    assert data.name == "Items"


def test_rows_and_targets_that_are_tensors():
    data = load(torch.utils.data.TensorDataset(torch.arange(12.0).reshape(6, 2) ** 2, torch.tensor([0, 1] * 3)))
    assert data.layout.kind is Kind.TABLE
    assert data.inputs[1].tolist() == [4, 9]


def test_pictures():
    pixels = np.arange(2 * 12, dtype=np.uint8).reshape(2, 2, 2, 3)
    data = load(Items([(Image.fromarray(picture), name) for picture, name in zip(pixels, "ab", strict=True)]))
    np.testing.assert_array_equal(data.inputs, pixels.transpose(0, 3, 1, 2))
    assert data.layout.classes == ("a", "b")


def test_classes_may_have_names():
    items = Items([(torch.rand(2), 0), (torch.rand(2), 1)])
    items.classes = ["cat", "dog"]
    assert load(items).layout.classes == ("cat", "dog")


def test_random_transforms_are_refused():
    generator = torch.Generator().manual_seed(0)
    items = Items([lambda: (torch.rand(2, 2, 2, generator=generator), 0)] * 3)
    with pytest.raises(DataError, match=r"another input each time item 0 is read: it holds a random transform"):
        load(items)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (Items([]), "Items is empty"),
        (Items([torch.zeros(2)]), r"item 0 must be \(input, target\); got Tensor"),
        (Items([(torch.zeros(2), 0), (torch.zeros(3), 1)]), r"one shape; item 0 has \(2,\), item 1 has \(3,\)"),
        (Endless(), "has no length; a map-style data set is needed"),
    ],
)
def test_faults(items, message):
    with pytest.raises(DataError, match=message):
        load(items)
