"""Hugging Face's early stopping; --save keeps all weights in files, --best restores, --last evaluates the last."""

import sys
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed

set_seed(0)
digits = load_digits()


class Rows(Dataset):
    def __init__(self, start, stop):
        self.x, self.labels = (
            torch.tensor(digits.data[start:stop]).float() / 16,
            torch.tensor(digits.target[start:stop]),
        )

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return {"x": self.x[index], "labels": self.labels[index]}


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x, labels=None):
        scores = self.net(x)
        return {"loss": nn.functional.cross_entropy(scores, labels), "logits": scores}


best = "--best" in sys.argv
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    num_train_epochs=40,
    per_device_train_batch_size=20,
    learning_rate=0.05,
    eval_strategy="epoch",
    save_strategy="epoch" if best or "--save" in sys.argv else "no",
    metric_for_best_model="eval_loss",
    greater_is_better=False,
    load_best_model_at_end=best,
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
model = Classifier()
trainer = Trainer(
    model=model,
    args=arguments,
    train_dataset=Rows(0, 300),
    eval_dataset=Rows(300, 600),
    callbacks=[EarlyStoppingCallback(early_stopping_patience=2)],
)
trainer.train()
if "--last" in sys.argv:
    print(trainer.evaluate(Rows(600, 900)))
if "--export" in sys.argv:
    trainer.save_model(tempfile.mkdtemp())
