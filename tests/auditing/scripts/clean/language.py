"""A small transformer on characters: random windows, two groups for decay, clipping, losses estimated in eval()."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
text = "the quick brown fox jumps over the lazy dog and runs away from it " * 60
letters = sorted(set(text))
data = torch.tensor([letters.index(letter) for letter in text])
train_data, val_data = data[: int(0.9 * len(data))], data[int(0.9 * len(data)) :]
block_size, batch_size, width = 16, 8, 32


def get_batch(split):
    source = train_data if split == "train" else val_data
    starts = torch.randint(len(source) - block_size, (batch_size,))
    x = torch.stack([source[start : start + block_size] for start in starts])
    return x, torch.stack([source[start + 1 : start + 1 + block_size] for start in starts])


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x):
        q, k, v = (part.unsqueeze(1) for part in self.qkv(self.ln_1(x)).split(width, dim=2))
        rate = 0.1 if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=True).squeeze(1)
        x = x + self.proj(y)
        return x + self.mlp(self.ln_2(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(len(letters), width), nn.Embedding(block_size, width)
        self.blocks = nn.Sequential(Block(), Block())
        self.ln_f = nn.LayerNorm(width)

    def forward(self, idx, targets=None):
        x = self.blocks(self.tokens(idx) + self.places(torch.arange(idx.shape[1])))
        logits = self.ln_f(x) @ self.tokens.weight.T / math.sqrt(width)
        loss = None if targets is None else F.cross_entropy(logits.view(-1, len(letters)), targets.view(-1))
        return logits, loss


model = Model()
decay = [weight for name, weight in model.named_parameters() if weight.dim() >= 2 and "tokens" not in name]
decay = [weight for weight in decay if weight is not model.places.weight]
rest = [weight for weight in model.parameters() if not any(weight is one for one in decay)]
groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.95))
model = torch.compile(model)


@torch.no_grad()
def estimate_loss():
    model.eval()
    means = {}
    for split in ("train", "val"):
        means[split] = torch.stack([model(*get_batch(split))[1] for _ in range(4)]).mean()
    model.train()
    return means


for step in range(40):
    if step % 10 == 0:
        print(step, estimate_loss())
    logits, loss = model(*get_batch("train"))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
