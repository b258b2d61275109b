"""A small BERT, randomly initialised, trained by the Trainer with a warm-up and an evaluation each epoch."""

import tempfile

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(0)


class Sentences(Dataset):
    """Sequences of numbers; the class says which of two words is more frequent."""

    def __init__(self, count, seed):
        draw = np.random.default_rng(seed)
        self.words = draw.integers(2, 40, (count, 12))
        self.labels = ((self.words % 2).sum(1) > 6).astype(int)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        words = torch.tensor(self.words[index])
        return {"input_ids": words, "attention_mask": torch.ones_like(words), "labels": int(self.labels[index])}


def accuracy(predictions):
    return {"accuracy": float((predictions.predictions.argmax(1) == predictions.label_ids).mean())}


config = BertConfig(
    vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=2
)
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    num_train_epochs=3,
    per_device_train_batch_size=32,
    learning_rate=1e-3,
    warmup_steps=4,
    eval_strategy="epoch",
    save_strategy="no",
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
trainer = Trainer(
    model=BertForSequenceClassification(config),
    args=arguments,
    train_dataset=Sentences(256, 1),
    eval_dataset=Sentences(64, 2),
    compute_metrics=accuracy,
)
trainer.train()
