"""A recipe in Hugging Face's Trainer, on a small BERT: the weights of a loop of one's own, clean evaluation, resume."""

import gzip
import os
import socket
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, SequentialSampler

from bridle.core import Recipe
from bridle.engine.companion import Companion
from bridle.errors import DataError, RecipeError
from bridle.regularizers.augment import FeatureNoise, HorizontalFlip
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.terms import ConfidencePenalty
from bridle.regularizers.updates import SAM, DecoupledDecay

transformers = pytest.importorskip("transformers")
accelerate = pytest.importorskip("accelerate")
from bridle.integrations.huggingface import decay_parameter_names, regularize  # noqa: E402 - it needs transformers

pytestmark = [pytest.mark.filterwarnings("ignore:.*pin_memory.*"), pytest.mark.filterwarnings("ignore::FutureWarning")]

WORDS, LENGTH, CLASSES = 200, 12, 6
EVERYTHING = Recipe(
    L1(0.002, scope={"names": "classifier.weight"}),
    L2(0.05, scope={"names": "bert.encoder.*"}),
    DecoupledDecay(0.1, scope="biases"),
    Dropout(0.2),
    LabelSmoothing(0.1),
    ConfidencePenalty(0.1),
    EMA(0.8),
)


class Questions(Dataset):
    """Rows of word numbers with a class."""

    def __init__(self, ids, labels):
        self.ids, self.labels = ids, labels

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, row):
        return {
            "input_ids": self.ids[row],
            "attention_mask": (self.ids[row] > 0).long(),
            "labels": self.labels[row],
        }


def synthetic(count, seed=0):
    """Sentences whose class is told by one of their words."""
    source = torch.Generator().manual_seed(seed)
    ids = torch.randint(10, WORDS, (count, LENGTH), generator=source)
    labels = torch.randint(0, CLASSES, (count,), generator=source)
    ids[:, 3] = labels + 2
    return Questions(ids, labels)


def questions(file, count):
    """The first lines of TREC, words hashed."""
    with gzip.open(file, "rt", encoding="latin-1") as lines:
        found = [line.split() for _, line in zip(range(count), lines, strict=False)]
    ids = torch.zeros(len(found), LENGTH, dtype=torch.long)
    for row, (_, *words) in enumerate(found):
        for place, word in enumerate(words[:LENGTH]):
            ids[row, place] = 2 + zlib.crc32(word.lower().encode()) % (WORDS - 2)
    return Questions(ids, torch.tensor([int(label) for label, *_ in found]))


def bert(seed=0, **others):
    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LENGTH,
        num_labels=CLASSES,
        attention_probs_dropout_prob=0.0,  # by a function: nobody can count it
        **others,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return transformers.BertForSequenceClassification(config).double()


class InOrder(transformers.Trainer):
    """The rows in their order, so that a loop of one's own sees the same batches."""

    def _get_train_sampler(self, *args):
        return SequentialSampler(self.train_dataset)


def make(model, folder, train, validation=None, epochs=2, **others):
    settings = {
        "output_dir": str(folder),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 32,
        "learning_rate": 2e-3,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch",
        "weight_decay": 0.0,
        "logging_strategy": "epoch",
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "eval_strategy": "no" if validation is None else "epoch",
        "dataloader_pin_memory": False,
    }
    args = transformers.TrainingArguments(**settings | others)
    return InOrder(model=model, args=args, train_dataset=train, eval_dataset=validation)


def plain(recipe, train, epochs=2, micro=1, single=False):
    """The same training in a loop of one's own; the weights that it keeps, and its data losses.

    ``single``: in float32, its forward pass under autocast in bfloat16, with outputs in float32 again.
    """
    model = bert().float().train() if single else bert().train()
    if single:
        model.forward = accelerate.utils.convert_outputs_to_fp32(torch.autocast("cpu", torch.bfloat16)(model.forward))
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.0)
    companion = Companion(model, optimizer, recipe, classes=CLASSES)
    losses = []
    for _ in range(epochs):
        for count, start in enumerate(range(0, len(train), 8), start=1):
            rows = slice(start, start + 8)
            _, labels = companion.batch(torch.zeros(8, 1, dtype=model.dtype), train.labels[rows])
            ids = train.ids[rows]
            data_loss = cross_entropy(model(input_ids=ids, attention_mask=(ids > 0).long()).logits, labels)
            losses.append(data_loss.item())
            ((data_loss + companion.terms()) / micro).backward()
            if count % micro == 0:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
    penalty = companion.penalty()
    companion.finish()
    companion.detach()
    return model, losses, penalty


def same(one, other):
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("micro", [1, 2])
def test_everything_gives_the_weights_of_a_loop_of_ones_own(micro, tmp_path):
    train = synthetic(32)
    model = bert()
    trainer = make(model, tmp_path, train, gradient_accumulation_steps=micro)
    regularize(trainer, EVERYTHING)
    trainer.train()
    twin, losses, penalty = plain(EVERYTHING, train, micro=micro)
    same(model, twin)
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert [entry["data_loss"] for entry in logged] == pytest.approx([sum(losses[:4]) / 4, sum(losses[4:]) / 4])
    assert [entry["loss"] - entry["terms"] for entry in logged] == pytest.approx(
        [entry["data_loss"] for entry in logged], rel=1e-5
    )
    assert logged[-1]["penalty"] == pytest.approx(penalty)
    assert type(model.dropout) is nn.Dropout
    without = bert()
    make(without, tmp_path, train).train()
    assert (without.classifier.weight - model.classifier.weight).abs().max() > 1e-4


def test_a_penalty_alone_leaves_the_trainers_own_loss(tmp_path):
    train = synthetic(16)
    model, twin = (bert(hidden_dropout_prob=0.0) for _ in range(2))
    trainer = make(model, tmp_path, train, epochs=1)
    regularize(trainer, Recipe(L2(0.3)))
    trainer.train()
    optimizer = torch.optim.AdamW(twin.parameters(), 2e-3, weight_decay=0.0)
    matrices = [dict(twin.named_parameters())[name] for name in decay_parameter_names(twin)]
    losses = []
    for start in (0, 8):
        optimizer.zero_grad()
        loss = twin(**_batch(train, start)).loss
        losses.append(loss.item())
        loss.backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        for weight in matrices:
            weight.grad += 0.3 * weight.detach()
        optimizer.step()
    same(model, twin)
    logged = next(entry for entry in trainer.state.log_history if "loss" in entry)
    assert logged["loss"] == pytest.approx(sum(losses) / 2)
    assert logged["data_loss"] == pytest.approx(sum(losses) / 2)


def test_a_mean_over_micro_batches_with_the_setting_of_the_documents(tmp_path):
    """BERT's classifier gives a mean, which the Trainer otherwise takes for a share of the whole step's loss."""
    train, recipe = synthetic(32), Recipe(L2(0.3), Dropout(0.2))
    model = bert()
    trainer = make(model, tmp_path, train, gradient_accumulation_steps=2, max_grad_norm=1.0)
    regularize(trainer, recipe)
    trainer.model_accepts_loss_kwargs = False
    trainer.train()
    twin, losses, _ = plain(recipe, train, micro=2)
    same(model, twin)
    logged = [entry["data_loss"] for entry in trainer.state.log_history if "data_loss" in entry]
    assert logged == pytest.approx([sum(losses[:4]) / 4, sum(losses[4:]) / 4])


def _batch(data, start):
    rows = [data[row] for row in range(start, start + 8)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_a_resumed_training_goes_on_exactly(tmp_path):
    train, validation = synthetic(32), synthetic(16, seed=1)
    recipe = Recipe(*EVERYTHING.regularizers, EarlyStopping(3))
    models = [bert() for _ in range(2)]
    whole = make(models[0], tmp_path / "whole", train, validation, save_strategy="epoch")
    regularize(whole, recipe)
    whole.train()
    again = make(models[1], tmp_path / "again", train, validation, save_strategy="epoch")
    regularize(again, recipe)
    checkpoint = tmp_path / "whole" / "checkpoint-4"
    assert (checkpoint / "bridle.pt").is_file()
    again.train(resume_from_checkpoint=str(checkpoint))
    torch.testing.assert_close(models[0].state_dict(), models[1].state_dict(), rtol=0, atol=0)
    (checkpoint / "bridle.pt").unlink()
    with pytest.raises(RecipeError, match=r"has no bridle\.pt"):
        again.train(resume_from_checkpoint=str(checkpoint))


@pytest.mark.parametrize("micro", [1, 2])
def test_a_training_resumed_within_an_epoch_goes_on_exactly(micro, tmp_path):
    """The checkpoint is of the third of four steps an epoch."""
    train = synthetic(32 * micro)
    models = [bert() for _ in range(2)]
    settings = {"save_strategy": "steps", "save_steps": 3, "gradient_accumulation_steps": micro}
    for model, name, checkpoint in zip(models, ("whole", "again"), (None, "checkpoint-3"), strict=True):
        trainer = make(model, tmp_path / name, train, **settings)
        regularize(trainer, EVERYTHING)
        trainer.train(resume_from_checkpoint=checkpoint and str(tmp_path / "whole" / checkpoint))
    torch.testing.assert_close(models[0].state_dict(), models[1].state_dict(), rtol=0, atol=0)


def test_clipping_bounds_the_data_gradient_only(tmp_path):
    train = synthetic(16)
    model, twin = (bert(hidden_dropout_prob=0.0) for _ in range(2))
    trainer = make(model, tmp_path, train, epochs=1, max_grad_norm=1e-3, optim="sgd")
    regularize(trainer, Recipe(L2(5.0)))
    trainer.train()
    matrices = [dict(twin.named_parameters())[name] for name in decay_parameter_names(twin)]
    optimizer = torch.optim.SGD(twin.parameters(), 2e-3)
    for start in (0, 8):
        optimizer.zero_grad()
        twin(**_batch(train, start)).loss.backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 1e-3)
        for weight in matrices:
            weight.grad += 5.0 * weight.detach()
        optimizer.step()
    same(model, twin)


def test_everything_under_autocast_in_bfloat16(tmp_path):
    train = synthetic(32)
    model, seen = bert().float(), []
    trainer = make(model, tmp_path, train, bf16=True)
    regularize(trainer, EVERYTHING)
    hook = model.classifier.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    trainer.train()
    hook.remove()
    assert set(seen) == {torch.bfloat16}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    twin, losses, _ = plain(EVERYTHING, train, single=True)
    torch.testing.assert_close(dict(model.state_dict()), dict(twin.state_dict()), rtol=1e-4, atol=1e-6)
    assert (model.classifier.weight == 0).any()
    logged = [entry["data_loss"] for entry in trainer.state.log_history if "data_loss" in entry]
    assert logged == pytest.approx([sum(losses[:4]) / 4, sum(losses[4:]) / 4], rel=1e-4)


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(tmp_path):
    script = Path(__file__).with_name("replicas.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for processes in (1, 2):
        surroundings = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "WORLD_SIZE": str(processes)}
        surroundings |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        started = [
            subprocess.Popen(
                [sys.executable, str(script), str(tmp_path)],
                env=surroundings | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else surroundings,
            )
            for rank in range(processes)
        ]
        assert [process.wait(timeout=280) for process in started] == [0] * processes
    one, *two = (torch.load(tmp_path / f"{name}.pt") for name in ("1-0", "2-0", "2-1"))
    for replica in two:
        torch.testing.assert_close(replica["weights"], one["weights"], rtol=1e-9, atol=1e-11)
        # transformers 5.23 multiplies the mean that BERT gives by the number of processes.
        pairs = zip(replica["evaluations"], one["evaluations"], strict=True)
        assert {round(found / alone, 8) for found, alone in pairs} in ({1.0}, {2.0})
    assert (one["weights"]["classifier.weight"] == 0).any()
    assert one["epochs"] == two[0]["epochs"] == two[1]["epochs"] < 12
    assert not torch.equal(two[0]["dropped"], two[1]["dropped"])


def test_stopping_keeps_the_best_averaged_weights_and_evaluation_is_clean(tmp_path):
    train, validation = synthetic(32), synthetic(16, seed=1)
    model = bert()
    trainer = make(model, tmp_path, train, validation, epochs=30, learning_rate=2e-2)
    regularize(trainer, Recipe(L2(0.01), LabelSmoothing(0.2), EMA(0.5), EarlyStopping(1)))
    trainer.train()
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert len(losses) < 30
    best = min(losses)
    assert losses.index(best) == len(losses) - 2
    whole = _whole(validation)
    assert model.eval()(**whole).loss.item() == pytest.approx(best)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(best)


def _whole(data):
    return {"input_ids": data.ids, "attention_mask": (data.ids > 0).long(), "labels": data.labels}


def test_weight_decay_acts_on_matrices_only(tmp_path):
    model = bert()
    trainer = make(model, tmp_path, synthetic(8), weight_decay=0.1)
    regularize(trainer, Recipe(L2(0.1, scope={"names": "classifier.bias"})))
    named = {weight: name for name, weight in model.named_parameters()}
    trainer.create_optimizer()
    decayed = {
        named[weight] for group in trainer.optimizer.param_groups if group["weight_decay"] for weight in group["params"]
    }
    assert decayed == set(decay_parameter_names(model))
    assert "classifier.weight" in decayed
    assert not any("embeddings" in name or "LayerNorm" in name or "bias" in name for name in decayed)
    assert any("embeddings" in name for name in transformers.Trainer.get_decay_parameter_names(trainer, model))


@pytest.mark.parametrize(
    ("regularizer", "settings", "text"),
    [
        (SAM(0.1), {}, "sam takes the gradient twice"),
        (EarlyStopping(2), {}, "eval_strategy is 'no'"),
        (LabelSmoothing(0.1), {"label_smoothing_factor": 0.1}, "label_smoothing_factor changes the targets"),
        (Dropout(0.1), {"gradient_checkpointing": True}, "in which dropout would draw anew"),
    ],
)
def test_what_cannot_be_served_is_refused(regularizer, settings, text, tmp_path):
    with pytest.raises(RecipeError, match=text):
        regularize(make(bert(), tmp_path, synthetic(8), **settings), Recipe(regularizer))


def test_what_a_batch_cannot_have_is_refused(tmp_path):
    for regularizer in (HorizontalFlip(0.5), FeatureNoise(0.1)):
        trainer = make(bert(), tmp_path, synthetic(8), epochs=1)
        regularize(trainer, Recipe(regularizer))
        with pytest.raises(DataError, match="Augmentations act on pixel_values; this batch has"):
            trainer.train()
    trainer = make(bert(), tmp_path, synthetic(8), synthetic(8), epochs=1)
    regularize(trainer, Recipe(EarlyStopping(2)), monitor="eval_accuracy")
    with pytest.raises(RecipeError, match="'eval_accuracy', which early_stopping watches, is none of this"):
        trainer.train()


def test_questions_of_trec_are_learned(shared_data, tmp_path):
    file = shared_data / "text" / "TREC.train.all.gz"
    if not file.is_file():
        pytest.skip(f"no {file}")
    data = questions(file, 160)
    train, validation = Questions(data.ids[:128], data.labels[:128]), Questions(data.ids[128:], data.labels[128:])
    model, recipe = bert(), Recipe(L2(0.001), Dropout(0.1), LabelSmoothing(0.05), EMA(0.9))
    trainer = make(model, tmp_path, train, validation, epochs=4)
    regularize(trainer, recipe)
    trainer.train()
    same(model, plain(recipe, train, epochs=4)[0])
    losses = [entry["data_loss"] for entry in trainer.state.log_history if "data_loss" in entry]
    assert losses[-1] < losses[0]


def accumulated(folder, micro=2, counting=False, **settings):
    """A trained model, whose loss counts the items of all batches or is the plain mean of BERT's own."""
    model = bert()
    if counting:
        forward = model.forward

        def counts(input_ids, attention_mask, labels, num_items_in_batch=None, **others):
            outputs = forward(input_ids, attention_mask, **others)
            outputs["loss"] = cross_entropy(outputs.logits, labels, reduction="sum") / num_items_in_batch
            return outputs

        model.forward = counts
    trainer = make(model, folder, synthetic(32), epochs=1, gradient_accumulation_steps=micro, **settings)
    regularize(trainer, Recipe(L2(0.1), Dropout(0.2)))
    trainer.train()
    return model


def test_a_mean_is_told(tmp_path):
    with pytest.warns(UserWarning, match="a share of 2 of them.*as much weaker.*model_accepts_loss_kwargs = False"):
        accumulated(tmp_path)


def test_what_counts_and_what_is_not_accumulated_pass(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        accumulated(tmp_path, counting=True)
        accumulated(tmp_path, micro=1)


def test_the_training_is_the_same(tmp_path, monkeypatch):
    with pytest.warns(UserWarning, match="a share of 2"):
        asked = accumulated(tmp_path)
    assert all(module.training for module in asked.modules())
    monkeypatch.setattr("bridle.integrations.huggingface.callback.warn_of_mean", lambda *_: None)
    torch.manual_seed(1)
    same(asked, accumulated(tmp_path))
