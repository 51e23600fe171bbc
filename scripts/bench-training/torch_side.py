"""PyTorch's side of scripts/bench-training.sh: the paper's five networks, in PyTorch's usual style.

Each line on standard input, `train MODEL EPOCHS`, trains the model on 1000 random pairs in batches of 20 with one thread and gets
one line of JSON: `epochs_ms`, the durations of each epoch but the first, and `evaluation_ms`, that of scoring 1000 pairs.

    python torch_side.py --units 2 cnn:21,fc:50,...   trains a list of MODEL:EPOCHS in 2 processes, and prints the seconds
    python torch_side.py --compile ...                the same with torch.compile
"""

import argparse
import json
import multiprocessing
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

PAIRS, BATCH = 1000, 20


def convolutions(channels):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3), nn.ReLU(),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 100), nn.ReLU(), nn.Dropout(0.5),
    )


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(convolutions(2), nn.Linear(100, 2))

    def forward(self, pairs):
        return self.layers(pairs), None


class Shared(nn.Module):
    def __init__(self, auxiliary):
        super().__init__()
        self.auxiliary = auxiliary
        self.tower = nn.Sequential(convolutions(1), nn.Linear(100, 10))
        self.comparison = nn.Linear(20, 2)

    def forward(self, pairs):
        # Both images in one batch: faster than one after the other.
        digits = self.tower(pairs.view(-1, 1, 14, 14)).view(-1, 2, 10)
        return self.comparison(digits.flatten(1)), digits if self.auxiliary else None


class Connected(nn.Module):
    def __init__(self, auxiliary):
        super().__init__()
        widths = [392, 150, 50, 20, 10]
        layers = [nn.Flatten()]
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.comparison = nn.Linear(10, 2)
        self.heads = nn.ModuleList([nn.Linear(10, 10) for _ in range(2)]) if auxiliary else None

    def forward(self, pairs):
        hidden = self.layers(pairs)
        digits = torch.stack([head(hidden) for head in self.heads], 1) if self.heads else None
        return self.comparison(hidden), digits


MODELS = {
    "cnn": Cnn,
    "cnn-shared": lambda: Shared(False),
    "cnn-shared-aux": lambda: Shared(True),
    "fc": lambda: Connected(False),
    "fc-aux": lambda: Connected(True),
}


def loss_of(comparison, digit_logits, labels, digits):
    loss = F.cross_entropy(comparison, labels)
    if digit_logits is None:
        return loss
    auxiliary = F.cross_entropy(digit_logits[:, 0], digits[:, 0]) + F.cross_entropy(digit_logits[:, 1], digits[:, 1])
    return 0.7 * loss + 0.3 * auxiliary


def data():
    torch.manual_seed(0)
    pixels = torch.randn(PAIRS, 2, 14, 14)
    digits = torch.randint(0, 10, (PAIRS, 2))
    return pixels, digits, (digits[:, 0] <= digits[:, 1]).long()


def train(name, epochs, compiled=False):
    pixels, digits, labels = data()
    network = MODELS[name]()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    run = torch.compile(network) if compiled else network
    times = []
    for _ in range(epochs):
        start = time.perf_counter()
        network.train()
        # Sums are tensors until the epoch's end, so that no step waits for a number.
        total, wrong = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for places in torch.randperm(PAIRS).split(BATCH):
            comparison, digit_logits = run(pixels[places])
            loss = loss_of(comparison, digit_logits, labels[places], digits[places])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(places)
            wrong += (comparison.detach().argmax(1) != labels[places]).sum()
        total.item(), wrong.item()
        times.append(1e3 * (time.perf_counter() - start))
    return {"epochs_ms": times[1:], "evaluation_ms": min(evaluate(network, pixels, labels, size) for size in (100, 1000) for _ in range(3))}


def evaluate(network, pixels, labels, size):
    """Milliseconds of scoring all pairs, `size` at a time; which size is faster depends on the network."""
    start = time.perf_counter()
    network.eval()
    with torch.inference_mode():
        for batch, expected in zip(pixels.split(size), labels.split(size)):
            comparison, _ = network(batch)
            probabilities = comparison.softmax(1)[:, 1]
            (probabilities > 0.5).long().ne(expected).sum().item()
    return 1e3 * (time.perf_counter() - start)


def one_unit(unit):
    torch.set_num_threads(1)
    name, epochs = unit.rsplit(":", 1)
    train(name, int(epochs))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", nargs=2, metavar=("PROCESSES", "LIST"))
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.units:
        units = arguments.units[1].split(",")
        with multiprocessing.get_context("fork").Pool(int(arguments.units[0])) as pool:
            start = time.perf_counter()
            pool.map(one_unit, units, chunksize=1)
            print(json.dumps({"seconds": time.perf_counter() - start}))
        return
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        _, name, epochs = line.split()
        print(json.dumps(train(name, int(epochs), arguments.compile)), flush=True)


if __name__ == "__main__":
    main()
