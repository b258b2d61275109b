from bridle.data.load import load


def test_a_data_set_is_read_as_it_is(classes):
    data = classes([0, 1, 1])
    assert load(data) is data
