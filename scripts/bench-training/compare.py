"""Times Seedgrid's training against PyTorch's, in turns, and prints the ratios: see scripts/bench-training.sh."""

import argparse
import csv
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
MODELS = ["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux"]
TARGETS = {"epoch": 0.40, "evaluation": 0.50, "two slots": 1.85, "table3": 2.2}


class Side:
    """One side's process: a command in, a line of JSON out."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"error: {self.process.args[0]} ended with code {self.process.wait()}")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()


def note(text):
    print(text, file=sys.stderr, flush=True)


def training(seedgrid, torch, turns):
    """Medians over the turns of both sides' times, and of the ratios within each turn."""
    rows = []
    for model in MODELS:
        epochs = 6 if model.startswith("cnn") else 30
        ours, theirs, evaluations, slots, rates = [], [], [], [], []
        for _ in range(turns):
            mine = seedgrid.ask(f"train {model} {epochs} 1")
            other = torch.ask(f"train {model} {epochs}")
            both = seedgrid.ask(f"train {model} {epochs} 2")
            rates.append(seedgrid.ask("rate")["gflops"])
            ours.append(statistics.median(mine["epochs_ms"]))
            theirs.append(statistics.median(other["epochs_ms"]))
            evaluations.append((mine["evaluation_ms"], other["evaluation_ms"]))
            slots.append(2 * ours[-1] / statistics.median(both["epochs_ms"]))
        gflop = seedgrid.ask(f"work {model}")["gflop"]
        rate = statistics.median(rates)
        row = {
            "model": model,
            "seedgrid_epoch_ms": statistics.median(ours),
            "torch_epoch_ms": statistics.median(theirs),
            "epoch_ratio": statistics.median(a / b for a, b in zip(ours, theirs)),
            "live_gflop": gflop,
            "gemm_gflops": rate,
            "floor_ms": 1e3 * gflop / rate,
            "seedgrid_evaluation_ms": statistics.median(a for a, _ in evaluations),
            "torch_evaluation_ms": statistics.median(b for _, b in evaluations),
            "evaluation_ratio": statistics.median(a / b for a, b in evaluations),
            "two_slots": statistics.median(slots),
        }
        row["of_floor"] = row["seedgrid_epoch_ms"] / row["floor_ms"]
        note(f"{model}: {row['epoch_ratio']:.2f} of PyTorch's time per epoch")
        rows.append(row)
    return rows


def peak_megabytes(binaries, folder):
    """Largest resident sizes of a worker with 1 and with 4 slots, on the quickstart study."""
    peaks = {}
    for slots in (1, 4):
        run = pathlib.Path(folder) / f"memory-{slots}"
        spec = HERE.parent.parent / "experiments" / "quickstart.toml"
        serve = subprocess.Popen(
            [binaries / "seedgrid", "serve", spec, "--run-dir", run, "--listen", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (run / "join.toml").exists():
            if serve.poll() is not None:
                sys.exit("error: seedgrid serve ended before it listened")
            time.sleep(0.05)
        worker = subprocess.Popen(
            [binaries / "seedgrid-worker", "--join", run / "join.toml", "--slots", str(slots), "--cache", run / "cache"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(worker.pid, 0)
        serve.wait()
        if status != 0:
            sys.exit("error: the worker failed")
        peaks[slots] = usage.ru_maxrss / 1024
    return peaks


def table3(binaries, python, data, folder):
    """Seconds of the 50 units from start to report, and of two PyTorch processes that train as many epochs."""
    run = pathlib.Path(folder) / "table3"
    spec = HERE.parent.parent / "experiments" / "table3.toml"
    start = time.perf_counter()
    subprocess.run([binaries / "seedgrid", "run", spec, "--run-dir", run, "--data", data, "--slots", "2"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours = time.perf_counter() - start
    with open(run / "report" / "units.csv", newline="") as file:
        units = [f"{unit['model']}:{unit['epochs']}" for unit in csv.DictReader(file)]
    note(f"table3: Seedgrid took {ours:.0f} s; PyTorch trains the same {len(units)} units")
    # Longest first, as Seedgrid does.
    units.sort(key=lambda unit: -int(unit.rsplit(":")[1]) * (2 if "shared" in unit else 1 if "cnn" in unit else 0.1))
    torch = subprocess.run([python, HERE / "torch_side.py", "--units", "2", ",".join(units)], check=True,
                           stdout=subprocess.PIPE, text=True)
    theirs = json.loads(torch.stdout)["seconds"]
    return {"seedgrid_seconds": ours, "torch_seconds": theirs, "ratio": theirs / ours, "units": len(units)}


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def text(found):
    lines = [f"{found['processor']}, {found['cores']} cores, PyTorch {found['torch']}, {found['date']}", ""]
    lines.append("| model | Seedgrid, ms an epoch | PyTorch | ratio | live work | of gemm's rate | evaluation, ratio | two slots |")
    lines.append("|---|---|---|---|---|---|---|---|")
    for row in found["models"]:
        lines.append(
            f"| {row['model']} | {row['seedgrid_epoch_ms']:.1f} | {row['torch_epoch_ms']:.1f} | {row['epoch_ratio']:.2f} "
            f"| {row['live_gflop']:.1f} GFLOP, floor {row['floor_ms']:.1f} ms | {100 / row['of_floor']:.0f} % "
            f"| {row['seedgrid_evaluation_ms']:.1f} / {row['torch_evaluation_ms']:.1f} ms, {row['evaluation_ratio']:.2f} "
            f"| {row['two_slots']:.2f}x |")
    rate = statistics.median(row["gemm_gflops"] for row in found["models"])
    lines += ["", f"gemm on one thread: {rate:.0f} GFLOP/s. Targets: 0.40 an epoch, 0.50 an evaluation, 1.85x with two slots."]
    peaks = found["worker_peak_megabytes"]
    lines.append("Worker's peak memory: " + ", ".join(f"{peak:.0f} MB with {slots} slots" for slots, peak in peaks.items())
                 + " (target: 150 MB plus 40 MB a slot).")
    if found["table3"]:
        study = found["table3"]
        lines.append(f"Table III, {study['units']} units: Seedgrid {study['seedgrid_seconds']:.0f} s from start to report, two PyTorch "
                     f"processes {study['torch_seconds']:.0f} s: {study['ratio']:.2f}x (target 2.2x).")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", type=pathlib.Path, required=True)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--data", help="folder with MNIST: also times Table III")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    arguments = parser.parse_args()
    seedgrid = Side(arguments.binaries / "examples" / "training_times")
    torch = Side(sys.executable, HERE / "torch_side.py")
    found = {
        "schema": "seedgrid.bench-training/1",
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "torch": torch.read()["torch"],
        "targets": TARGETS,
        "models": training(seedgrid, torch, arguments.turns),
    }
    for side in (seedgrid, torch):
        side.process.stdin.close()
        side.process.wait()
    with tempfile.TemporaryDirectory() as folder:
        found["worker_peak_megabytes"] = peak_megabytes(arguments.binaries, folder)
        found["table3"] = table3(arguments.binaries, sys.executable, arguments.data, folder) if arguments.data else None
    print(json.dumps(found, indent=2) if arguments.format == "json" else text(found))


if __name__ == "__main__":
    main()
