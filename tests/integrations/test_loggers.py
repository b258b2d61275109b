"""TensorBoard and MLflow get a run as it is in its evidence."""

import math
from pathlib import Path

import numpy as np
import pytest

import bridle
from bridle.errors import RunError

# MLflow's own store uses what SQLAlchemy 2.1 and Python declare old.
pytestmark = pytest.mark.filterwarnings("ignore:.*noload:DeprecationWarning", "ignore::DeprecationWarning:mlflow")
SERIES = {"data_loss", "penalty", "clean", "learning_rate"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(120, 5))
    rows = inputs, np.where(inputs[:, 0] + 0.3 * generator.normal(size=120) > 0, "yes", "no")
    recipe = bridle.Recipe(
        bridle.L1(1e-3),
        bridle.ActivationL2(1e-3, scope="all"),
        bridle.EarlyStopping(2),
        training=bridle.Training(epochs=4),
    )
    folder = tmp_path_factory.mktemp("runs") / "made"
    bridle.fit(rows, recipe, out=folder, seeds=2)
    return bridle.load(folder)


def outcome(run, seed):
    return next(item for item in run.evidence.tested[0].outcomes if item.seed == seed)


@pytest.fixture
def events():
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def read(folder):
        found = accumulator.EventAccumulator(str(folder))
        found.Reload()
        return found

    return read


@pytest.fixture
def mlflow(tmp_path):
    found = pytest.importorskip("mlflow")
    return found.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_tensorboard_reads_every_series_again(run, events, tmp_path):
    written = bridle.loggers.to_tensorboard(run, tmp_path / "logs")
    assert written == (tmp_path / "logs" / "chosen-0", tmp_path / "logs" / "chosen-1")
    for seed, folder in enumerate(written):
        found, series = events(folder), outcome(run, seed).curves.series
        assert set(series) >= {*SERIES, "terms", "watch"}
        for name, values in series.items():
            scalars = found.Scalars(f"series/{name}")
            assert [item.step for item in scalars] == list(range(1, len(values) + 1))
            assert [item.value for item in scalars] == pytest.approx(values, rel=1e-6)
        tests = {tag for tag in found.Tags()["scalars"] if tag.startswith("test/")}
        assert tests == {f"test/{name}" for name in run.evidence.tested[0].metrics}
        (score,) = found.Scalars("test/log_loss")
        assert score.value == pytest.approx(run.evidence.tested[0].metrics["log_loss"].values[seed], rel=1e-6)


def test_tensorboard_has_the_recipe_and_the_report(run, events, tmp_path):
    found = events(bridle.loggers.to_tensorboard(run, tmp_path)[0])
    texts = {tag: found.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in found.Tags()["tensors"]}
    recipe = "\n".join(line.removeprefix("    ") for line in texts["recipe/text_summary"].splitlines())
    assert recipe.strip() == (run.folder / "recipe.toml").read_text(encoding="utf-8").strip()
    assert "The given recipe (L1 0.001" in texts["report/text_summary"]
    assert "report.html" in texts["report/text_summary"].replace("\n", "").replace(" ", "")


def test_series_are_not_mixed_with_others(run, tmp_path):
    pytest.importorskip("tensorboard")
    bridle.loggers.to_tensorboard(run, tmp_path)
    with pytest.raises(RunError, match=r"chosen-0' exists and is not written to: its series would mix"):
        bridle.loggers.to_tensorboard(run, tmp_path)


def test_mlflow_has_a_run_for_each_training_below_one_for_the_job(run, mlflow, tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.create_experiment("own", artifact_location=(tmp_path / "artifacts").as_uri())
    parent = bridle.loggers.to_mlflow(run, tracking_uri=uri, experiment="own", name="a job")
    job = mlflow.get_run(parent)
    assert job.info.status == "FINISHED"
    assert job.info.run_name == "a job"
    assert float(job.data.params["l1.strength"]) == 1e-3
    assert job.data.params["training.epochs"] == "4"
    assert job.data.tags["bridle.metric"] == run.evidence.metric
    for name, found in run.evidence.tested[0].metrics.items():
        assert job.data.metrics[f"test/{name}"] == pytest.approx(found.value)
    below = mlflow.search_runs([job.info.experiment_id], f"tags.mlflow.parentRunId = '{parent}'")
    assert sorted(child.info.run_name for child in below) == ["a job, chosen, seed 0", "a job, chosen, seed 1"]
    for child in below:
        assert child.info.status == "FINISHED"
        for name, values in outcome(run, int(child.data.params["seed"])).curves.series.items():
            history = sorted(mlflow.get_metric_history(child.info.run_id, name), key=lambda item: item.step)
            assert [item.step for item in history] == list(range(1, len(values) + 1))
            assert [item.value for item in history] == pytest.approx(values)


def test_mlflow_keeps_the_files_of_the_run(run, mlflow, tmp_path):
    mlflow.create_experiment("bridle", artifact_location=(tmp_path / "artifacts").as_uri())
    (run.folder / "report.html").unlink()
    parent = bridle.loggers.to_mlflow(run, tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert mlflow.get_run(parent).info.run_name == "made"
    assert {item.path for item in mlflow.list_artifacts(parent)} == {"recipe.toml", "evidence.json", "report.html"}
    there = Path(mlflow.download_artifacts(parent, "report.html", str(tmp_path)))
    assert there.read_bytes() == (run.folder / "report.html").read_bytes()


def test_many_points_go_in_several_calls(run, mlflow, tmp_path, monkeypatch):
    monkeypatch.setattr(bridle.loggers, "_BATCH", 3)
    monkeypatch.setattr(bridle.loggers, "_PARAMS", 2)
    mlflow.create_experiment("bridle", artifact_location=(tmp_path / "artifacts").as_uri())
    parent = bridle.loggers.to_mlflow(run, tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert len(mlflow.get_run(parent).data.params) == len(bridle.core.addresses.settings(run.recipe))


def test_what_was_not_measured_leaves_no_point():
    curves = bridle.records.Curves({"score": [math.nan, 0.5]})
    assert list(bridle.loggers._points(curves)) == [("score", 2, 0.5)]


@pytest.mark.parametrize("function", ["to_tensorboard", "to_mlflow"])
def test_what_is_no_run_is_refused(function, tmp_path):
    arguments = (tmp_path,) if function == "to_tensorboard" else ()
    with pytest.raises(RunError, match=rf"{function}\(run, ...\) takes a finished run; got str\. Load one with"):
        getattr(bridle.loggers, function)("runs/x", *arguments)
