"""`bridle list` shows the catalogue from its classes."""

import pytest

from bridle.regularizers.catalogue import catalogue


def test_all_are_listed_with_kind_and_bounds(cli):
    result = cli("list")
    assert result.exit_code == 0, result.output
    listed = [line.split()[0] for line in result.stdout.splitlines() if line[:1].strip() or line[1:2].strip()]
    assert [name for name in listed if name in catalogue()] == list(catalogue())
    assert "strength [0, inf)" in result.stdout


@pytest.mark.parametrize("name", list(catalogue()))
def test_each_in_full(cli, name):
    result = cli("list", name)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{name} ({catalogue()[name].__name__}): ")
    assert "``" not in result.stdout


def test_an_unknown_name(cli):
    result = cli("list", "l22")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: There is no regularizer called 'l22'. Did you mean 'l2'? `bridle list` shows all.\n"
    )
