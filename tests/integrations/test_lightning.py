"""A recipe in Lightning's Trainer: the weights of the plain loop, a clean monitored loss, exact resume."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, TensorDataset

from bridle.core import Recipe, schedule
from bridle.engine.companion import Companion
from bridle.errors import DataError, ModelError, RecipeError
from bridle.regularizers.augment import FeatureNoise, Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.terms import ConfidencePenalty
from bridle.regularizers.updates import SAM, DecoupledDecay

pl = pytest.importorskip("lightning.pytorch")
from bridle.integrations.lightning import Regularize  # noqa: E402 - it needs lightning

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*Trying to infer the `batch_size`"),
    pytest.mark.filterwarnings("ignore:.*You defined a `validation_step` but have no `val_dataloader`"),
    pytest.mark.filterwarnings("ignore:.*callbacks used to create the checkpoint need to be provided"),
]

EVERYTHING = Recipe(
    L1(0.02, scope="first_layer"),
    L2(schedule(0.05, 0.2), scope="last_layer"),
    DecoupledDecay(0.1, scope="biases"),
    Dropout(0.3),
    FeatureNoise(0.1),
    Mixup(0.4),
    LabelSmoothing(0.1),
    ConfidencePenalty(0.1),
    EMA(0.8),
    EarlyStopping(2),
)


class Net(pl.LightningModule):
    """A small classifier in float64."""

    def __init__(self, norm=False, optimizer=Adam, rate=0.5):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            middle = nn.BatchNorm1d(8) if norm else nn.Tanh()
            self.net = nn.Sequential(nn.Linear(6, 8), middle, nn.Dropout(rate), nn.Linear(8, 3)).double()
        self.optimizer, self.validated, self.trained = optimizer, [], []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        self.trained.append((x, y))
        return cross_entropy(self(x), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        loss = cross_entropy(self(x), y)
        self.validated.append(float(loss))
        self.log("val_loss", loss)

    def configure_optimizers(self):
        return self.optimizer(self.parameters(), 0.02)


def rows(count, seed):
    source = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 6, generator=source, dtype=torch.float64)
    return TensorDataset(inputs, (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0.5).long())


def loaders():
    return DataLoader(rows(64, 0), batch_size=16), DataLoader(rows(32, 1), batch_size=32)


def trainer(*callbacks, epochs=3, **others):
    settings = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return pl.Trainer(
        accelerator="cpu", max_epochs=epochs, enable_model_summary=False, callbacks=[*callbacks], **settings | others
    )


def plain(recipe, epochs, clip=0.0, norm=False, **others):
    """The same training in a loop of one's own."""
    model = Net(norm)
    optimizer = model.configure_optimizers()
    companion = Companion(model, optimizer, recipe, classes=3, **others)
    watched, losses = [], []
    train, validation = loaders()
    for _ in range(epochs):
        model.train()
        for x, y in train:
            x, y = companion.batch(x, y)
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            losses.append(float(loss.detach()))
            (loss + companion.terms()).backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        model.eval()
        with companion.averaged(train), torch.no_grad():
            watched.append(float(cross_entropy(model(validation.dataset.tensors[0]), validation.dataset.tensors[1])))
        if companion.watch(watched[-1]):
            break
    penalty = companion.penalty()
    companion.finish(train)
    companion.detach()
    return model, watched, losses, penalty


def same(one, other):
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=1e-12, atol=1e-14)


def test_everything_gives_the_weights_of_the_plain_loop():
    model, callback = Net(), Regularize(EVERYTHING, monitor="val_loss", classes=3, steps=12)
    trainer(callback, gradient_clip_val=0.5, num_sanity_val_steps=0).fit(model, *loaders())
    twin, watched, losses, penalty = plain(EVERYTHING, 3, clip=0.5, steps=12)
    same(model, twin)
    torch.testing.assert_close(model.validated, watched, rtol=1e-12, atol=0)
    means = torch.tensor(losses, dtype=torch.float64).reshape(3, 4).mean(1)
    torch.testing.assert_close(callback.series["data_loss"], means.tolist(), rtol=1e-12, atol=0)
    assert callback.series["penalty"][-1] == pytest.approx(penalty, rel=1e-12)
    assert all(0 < value < 0.2 for value in callback.series["terms"])
    assert type(model.net[2]) is nn.Dropout
    assert "training_step" not in vars(model)
    without = Net()
    trainer(gradient_clip_val=0.5, num_sanity_val_steps=0).fit(without, *loaders())
    assert (without.net[0].weight - model.net[0].weight).abs().max() > 1e-3


@pytest.mark.parametrize(
    "regularizer",
    [
        *(L2(0.1), L1(0.05), DecoupledDecay(0.5), Dropout(0.5), FeatureNoise(0.3), Mixup(1.0), LabelSmoothing(0.3)),
        *(ConfidencePenalty(0.3), EMA(0.9), SAM(0.1)),
    ],
    ids=lambda item: item.key,
)
def test_each_kind_alone_gives_the_weights_of_the_plain_loop(regularizer):
    recipe = Recipe(regularizer)
    model, twin, without = Net(rate=0.0), Net(rate=0.0), Net(rate=0.0)
    trainer(Regularize(recipe, classes=3), epochs=2).fit(model, *loaders())
    optimizer = twin.configure_optimizers()
    companion = Companion(twin, optimizer, recipe, classes=3)
    for batch in [*loaders()[0]] * 2:

        def closure(batch=batch):
            x, y = companion.batch(*batch)
            optimizer.zero_grad()
            loss = cross_entropy(twin(x), y) + companion.terms()
            loss.backward()
            return loss

        optimizer.step(closure)
    companion.finish()
    same(model, twin)
    trainer(epochs=2).fit(without, *loaders())
    assert (without.net[0].weight - model.net[0].weight).abs().max() > 1e-4


def test_batches_are_changed_for_training_only():
    model = Net()
    trainer(Regularize(Recipe(FeatureNoise(0.5), LabelSmoothing(0.3)), classes=3), epochs=1).fit(model, *loaders())
    x, y = rows(64, 0).tensors
    seen, targets = model.trained[0]
    assert 0.3 < (seen - x[:16]).std() < 0.7
    torch.testing.assert_close(targets, 0.7 * torch.eye(3).double()[y[:16]] + 0.1)
    clean = Net()
    clean.load_state_dict(model.state_dict())
    x, y = rows(32, 1).tensors
    assert model.validated[-1] == pytest.approx(cross_entropy(clean.eval()(x), y).item(), rel=1e-12)


def test_accumulated_batches_are_penalised_once_and_draw_each_their_own():
    recipe = Recipe(L2(0.3), FeatureNoise(0.3), ConfidencePenalty(0.1))
    model, twin = Net(rate=0.0), Net(rate=0.0)
    trainer(Regularize(recipe), epochs=1, accumulate_grad_batches=2).fit(model, *loaders())
    optimizer = twin.configure_optimizers()
    companion = Companion(twin, optimizer, recipe)
    for count, batch in enumerate(loaders()[0]):
        x, y = companion.batch(*batch)
        ((cross_entropy(twin(x), y) + companion.terms()) / 2).backward()
        if count % 2:
            optimizer.step()
            optimizer.zero_grad()
    same(model, twin)
    assert not torch.equal(model.trained[0][0] - rows(64, 0)[:16][0], model.trained[1][0] - rows(64, 0)[16:32][0])


def test_a_resumed_fit_goes_on_exactly(tmp_path):
    recipe = EVERYTHING.replace(without=EarlyStopping)
    recipe = Recipe(*recipe.regularizers, EarlyStopping(1))

    def callback():
        return Regularize(recipe, monitor="val_loss", classes=3, steps=16)

    whole, half = Net(), Net()
    once, first, second = callback(), callback(), callback()
    trainer(once, epochs=4).fit(whole, *loaders())
    saver = pl.callbacks.ModelCheckpoint(tmp_path, filename="half", save_on_train_epoch_end=False)
    trainer(first, saver, epochs=2, enable_checkpointing=True).fit(half, *loaders())
    resumed = Net()
    trainer(second, epochs=4).fit(resumed, *loaders(), ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    torch.testing.assert_close(dict(resumed.state_dict()), dict(whole.state_dict()), rtol=0, atol=0)
    assert once.series["penalty"] == second.series["penalty"]


class InOrder:
    """Batches in their order that go on in the middle, where a checkpoint left them."""

    def __init__(self):
        self.loader, self.taken = loaders()[0], 0

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        first = self.taken % len(self)
        for count, batch in enumerate(self.loader):
            if count >= first:
                self.taken = count + 1
                yield batch

    def state_dict(self):
        return {"taken": self.taken}

    def load_state_dict(self, state):
        self.taken = state["taken"]


@pytest.mark.parametrize("micro", [1, 2])
def test_a_fit_resumed_within_an_epoch_goes_on_exactly(micro, tmp_path):
    """The checkpoint is of the sixth of four batches an epoch."""
    recipe = EVERYTHING.replace(without=EarlyStopping)
    settings = {"accumulate_grad_batches": micro}

    def callback():
        return Regularize(recipe, classes=3, steps=16 // micro)

    whole, half, resumed = Net(), Net(), Net()
    once, first, second = callback(), callback(), callback()
    validation = loaders()[1]
    trainer(once, epochs=4, **settings).fit(whole, InOrder(), validation)
    saver = pl.callbacks.ModelCheckpoint(tmp_path, filename="middle", every_n_train_steps=6 // micro)
    short = trainer(first, saver, epochs=4, max_steps=6 // micro, enable_checkpointing=True, **settings)
    short.fit(half, InOrder(), validation)
    checkpoint = tmp_path / "middle.ckpt"
    assert torch.load(checkpoint, weights_only=True)["epoch"] == 1
    trainer(second, epochs=4, **settings).fit(resumed, InOrder(), validation, ckpt_path=checkpoint, weights_only=True)
    torch.testing.assert_close(dict(resumed.state_dict()), dict(whole.state_dict()), rtol=0, atol=0)
    assert once.series == second.series
    assert len(once.series["data_loss"]) == 4


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_clipping_bounds_the_data_gradient_only(algorithm):
    clip = {"norm": nn.utils.clip_grad_norm_, "value": nn.utils.clip_grad_value_}[algorithm]
    model, twin = (Net(rate=0.0, optimizer=SGD) for _ in range(2))
    settings = {"gradient_clip_val": 1e-3, "gradient_clip_algorithm": algorithm}
    trainer(Regularize(Recipe(L2(2.0))), epochs=2, **settings).fit(model, *loaders())
    optimizer = twin.configure_optimizers()
    for x, y in [*loaders()[0]] * 2:
        optimizer.zero_grad()
        cross_entropy(twin(x), y).backward()
        clip(twin.parameters(), 1e-3)
        for layer in (twin.net[0], twin.net[3]):
            layer.weight.grad += 2.0 * layer.weight.detach()
        optimizer.step()
    same(model, twin)


class Single(Net):
    """The same classifier in float32."""

    def __init__(self):
        super().__init__()
        self.float()

    def training_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x.float())
        self.trained.append((logits.dtype, y))
        return cross_entropy(logits, y)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", cross_entropy(self(batch[0].float()), batch[1]))


def test_everything_under_autocast_in_bfloat16():
    recipe = EVERYTHING.replace(without=EarlyStopping)
    model, twin = Single(), Single()
    trainer(Regularize(recipe, classes=3, steps=8), epochs=2, precision="bf16-mixed").fit(model, *loaders())
    assert {dtype for dtype, _ in model.trained} == {torch.bfloat16}
    optimizer = twin.configure_optimizers()
    companion = Companion(twin, optimizer, recipe, classes=3, steps=8)
    for batch in [*loaders()[0]] * 2:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            x, y = companion.batch(*batch)
            loss = cross_entropy(twin(x.float()), y) + companion.terms()
        loss.backward()
        optimizer.step()
    companion.finish()
    torch.testing.assert_close(dict(model.state_dict()), dict(twin.state_dict()), rtol=1e-5, atol=1e-6)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert (model.net[0].weight == 0).any()


def test_weights_in_bfloat16_are_refused():
    with pytest.raises(RecipeError, match=r"l2 .*bfloat16"):
        trainer(Regularize(Recipe(L2(0.1))), precision="bf16-true", num_sanity_val_steps=0).fit(Single(), *loaders())


def test_a_checkpoint_from_after_the_end_is_refused(tmp_path):
    fit = trainer(Regularize(Recipe(EMA(0.9))), epochs=1)
    fit.fit(Net(), *loaders())
    fit.save_checkpoint(tmp_path / "end.ckpt")
    with pytest.raises(RecipeError, match="written after the training had ended"):
        trainer(Regularize(Recipe(EMA(0.9)))).fit(Net(), *loaders(), ckpt_path=tmp_path / "end.ckpt")


def test_stopping_ends_the_fit_and_keeps_the_best():
    model = Net(optimizer=lambda weights, _: SGD(weights, 30.0))
    fit = trainer(Regularize(Recipe(EarlyStopping(2)), monitor="val_loss"), epochs=20, num_sanity_val_steps=0)
    fit.fit(model, *loaders())
    best = min(range(len(model.validated)), key=model.validated.__getitem__)
    assert fit.current_epoch == len(model.validated) == best + 3 < 20
    x, y = rows(32, 1).tensors
    assert cross_entropy(model.eval()(x), y).item() == pytest.approx(model.validated[best], rel=1e-12)


def test_a_value_that_should_rise_is_watched_with_its_sign():
    model = Net()
    fit = trainer(Regularize(Recipe(EarlyStopping(1)), monitor="val_loss", mode="max"), epochs=20)
    fit.fit(model, *loaders())
    assert fit.current_epoch == 2


def test_averaged_weights_have_their_own_batch_norm_statistics():
    recipe = Recipe(EMA(0.9))
    model = Net(norm=True, rate=0.0)
    trainer(Regularize(recipe, statistics=loaders()[0]), epochs=2).fit(model, *loaders())
    x, _ = rows(64, 0).tensors
    torch.testing.assert_close(model.net[1].running_mean, model.net[0](x).mean(0))
    with pytest.raises(RecipeError, match=r"ema keeps averaged weights.*statistics=loader"):
        trainer(Regularize(recipe)).fit(Net(norm=True), *loaders())


def test_a_submodule_may_be_meant():
    model, twin = Net(), Net()
    trainer(Regularize(Recipe(L2(0.3, scope={"names": "0.*"})), module="net"), epochs=1).fit(model, *loaders())
    trainer(Regularize(Recipe(L2(0.3, scope={"names": "net.0.*"}))), epochs=1).fit(twin, *loaders())
    assert model.net[0].weight.shape == twin.net[0].weight.shape
    with pytest.raises(RecipeError, match="names no submodule of Net; it has net"):
        trainer(Regularize(Recipe(L2(0.3)), module="body")).fit(Net(), *loaders())


def test_a_loss_in_a_dict_keeps_its_company():
    class Talking(Net):
        def training_step(self, batch):
            return {"loss": super().training_step(batch, 0), "more": 1}

        def on_train_batch_end(self, outputs, batch, batch_idx):
            assert outputs["more"] == 1

    model, twin = Talking(rate=0.0), Net(rate=0.0)
    recipe = Recipe(ConfidencePenalty(0.3))
    trainer(Regularize(recipe), epochs=1).fit(model, *loaders())
    trainer(Regularize(recipe), epochs=1).fit(twin, *loaders())
    same(model, twin)


def test_an_error_in_training_leaves_the_module_as_it_was():
    class Breaking(Net):
        def validation_step(self, batch, batch_idx):
            raise KeyError("broken")

    model = Breaking()
    with pytest.raises(KeyError, match="broken"):
        trainer(Regularize(Recipe(Dropout(0.3), EMA(0.5))), num_sanity_val_steps=0).fit(model, *loaders())
    assert type(model.net[2]) is nn.Dropout
    assert "training_step" not in vars(model)


class Pictures(Net):
    def training_step(self, batch, batch_idx):
        return super().training_step((batch["x"], batch["y"]), batch_idx)


class Lossless(Net):
    def training_step(self, batch, batch_idx):
        return "no loss"


@pytest.mark.parametrize(
    ("model", "recipe", "settings", "error", "text"),
    [
        (lambda: Net(optimizer=lambda w, _: torch.optim.LBFGS(w)), L2(0.1), {}, RecipeError, "LBFGS evaluates"),
        (Net, EarlyStopping(2), {"limit_val_batches": 0}, RecipeError, "early_stopping watches a validation"),
        (Net, SAM(0.1), {"accumulate_grad_batches": 2}, RecipeError, "sam takes the gradient twice"),
        (Lossless, L2(0.1), {}, ModelError, "training_step must return the loss"),
    ],
)
def test_what_cannot_be_served_is_refused(model, recipe, settings, error, text):
    callback = Regularize(Recipe(recipe), monitor="val_loss")
    with pytest.raises(error, match=text):
        trainer(callback, **settings).fit(model(), *loaders())


def test_modules_that_cannot_be_served_are_refused():
    with pytest.raises(RecipeError, match="optimizes by hand"):
        Regularize(Recipe(L2(0.1))).on_train_start(trainer(), _manual())
    with pytest.raises(RecipeError, match="was not logged; logged are val_loss"):
        trainer(Regularize(Recipe(EarlyStopping(2)), monitor="accuracy")).fit(Net(), *loaders())
    with pytest.raises(RecipeError, match=r'name it with Regularize\(\.\.\., monitor="val_loss"\)'):
        Regularize(Recipe(EarlyStopping(2)))
    with pytest.raises(RecipeError, match=r"takes a bridle\.Recipe; got L2"):
        Regularize(L2(0.1))
    with pytest.raises(RecipeError, match='must be "min" or "max"; got \'down\''):
        Regularize(Recipe(L2(0.1)), mode="down")
    mapped = DataLoader([{"x": x, "y": y} for x, y in rows(32, 0)], batch_size=16)
    with pytest.raises(DataError, match=r"a pair \(inputs, targets\) of tensors; got dict"):
        trainer(Regularize(Recipe(FeatureNoise(0.1)))).fit(Pictures(), mapped)


@pytest.mark.parametrize(
    "strategy",
    [pl.strategies.FSDPStrategy, pl.strategies.ModelParallelStrategy, pl.strategies.DeepSpeedStrategy],
    ids=lambda strategy: strategy.__name__,
)
def test_strategies_that_shard_weights_are_refused(strategy):
    fit = trainer()
    optimizers = [SGD(Net().parameters(), 0.1)]
    sharding = strategy.__new__(strategy)  # without what its constructor asks the machine for
    sharding._optimizers, sharding.cluster_environment = optimizers, None
    fit._accelerator_connector.strategy = sharding
    with pytest.raises(RecipeError, match=rf'{strategy.__name__} may shard them\. Train on a .* strategy="ddp"'):
        Regularize(Recipe(L2(0.1))).on_train_start(fit, Net())


def test_several_optimizers_are_refused():
    fit, model = trainer(), Net()
    fit.strategy._optimizers = [SGD(model.parameters(), 0.1) for _ in range(2)]
    with pytest.raises(RecipeError, match=r"Regularize acts on one optimizer; Net has 2\."):
        Regularize(Recipe(L2(0.1))).on_train_start(fit, model)


def _manual():
    model = Net()
    model.automatic_optimization = False
    return model


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(tmp_path):
    script = Path(__file__).with_name("lightning_replicas.py")
    surroundings = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], env=surroundings, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    one, two = (torch.load(tmp_path / f"{count}.pt") for count in (1, 2))
    torch.testing.assert_close(two["weights"], one["weights"], rtol=1e-11, atol=1e-13)
    assert (one["weights"]["net.0.weight"] == 0).any()
    assert two["masks"] == "differ"
