"""`bridle convert` states a strength as others do."""

import inspect

import bridle


def test_to_a_library(cli):
    result = cli("convert", "keras.L2(0.01)", "--to", "torch")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{bridle.convert('keras.L2(0.01)', to='torch')}\n"
    assert "    torch.SGD(weight_decay=0.02)  " in result.stdout


def test_to_all_with_every_quantity(cli):
    quantities = {"examples": 100, "batch_size": 10, "momentum": 0.9, "learning_rate": 0.1}
    quantities |= {"target_std": 2.0, "noise_std": 0.5}
    options = [part for name, value in quantities.items() for part in (f"--{name.replace('_', '-')}", value)]
    result = cli("convert", "keras.L2(0.01)", *options)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{bridle.convert('keras.L2(0.01)', **quantities)}\n"
    assert "needs" not in result.stdout


def test_the_options_are_the_arguments_of_the_call():
    from bridle.cli.convert import convert

    assert list(inspect.signature(convert).parameters) == list(inspect.signature(bridle.convert).parameters)


def test_a_missing_quantity_names_its_option(cli):
    result = cli("convert", "keras.L2(0.01)", "--to", "sklearn.MLPClassifier")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: sklearn.MLPClassifier needs batch_size (examples per step). "
        "Give batch_size=..., on the command line --batch-size.\n"
    )


def test_no_fixed_equivalent(cli):
    result = cli("convert", "torch.AdamW(weight_decay=0.01)", "--to", "keras.L2")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: keras.L2 has no fixed equivalent: AdamW's decay acts outside the gradient")


def test_what_cannot_be_read(cli):
    result = cli("convert", "keras.L2(0.01")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: A strength is written as a call with numbers, such as keras.L2(0.01)")
