#!/usr/bin/env python3
"""Writes docs/reproduction.md from the report of a finished run of experiments/paper.toml.

    scripts/reproduction/page.py RUN_DIR [--note TEXT] > docs/reproduction.md

Every number on the page is read from RUN_DIR/report (report.json, units.csv, attempts.csv, provenance.json); the text around them is copied from
discussion.md beside this program. Needs only Python 3.9. --note adds facts about the run that are not in the files, for
example that other work ran on the machine.
"""

import argparse
import collections
import csv
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Table II: the paper's selected configurations. Learning rates are its lambda.
PAPER_CHOICE = {
    "cnn": {"learning_rate": 0.1, "batch_size": 20},
    "cnn-shared": {"learning_rate": 0.1, "batch_size": 20},
    "cnn-shared-aux": {"learning_rate": 0.1, "batch_size": 20},
    "fc": {"learning_rate": 0.005, "batch_size": 20, "hidden": [150, 50, 20, 10]},
    "fc-aux": {"learning_rate": 0.01, "batch_size": 20, "hidden": [150, 50, 20, 10]},
}


def rate(value, digits=4):
    return "" if value is None else f"{value:.{digits}f}"


def spread(one, digits=4):
    if one["mean"] is None:
        return "not done"
    std = "" if one["std"] is None else f" ± {one['std']:.{digits}f}"
    return f"{one['mean']:.{digits}f}{std}"


def mean_error(row):
    """The mean error of a row; where units diverged, that of the others, which is too favourable, and their number."""
    done = row["error_of_done"]
    if row["counts"]["diverged"] and done:
        return f"diverged; of the {done['n']} others {spread(done)}"
    return spread(row["error"])


def interval(ends):
    return "" if ends is None else f"{ends[0]:.4f} to {ends[1]:.4f}"


def p_value(p):
    return "" if p is None else ("< 0.0001" if p < 0.0001 else f"{p:.4f}")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def settings(row, names):
    values = row["hyperparameters"]
    return ", ".join(f"{name.replace('_', ' ')} {values[name]}" for name in names if name in values)


def hours(seconds):
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


class Page:
    def __init__(self, run, note):
        report = run / "report"
        self.report = json.loads((report / "report.json").read_text())
        self.provenance = json.loads((report / "provenance.json").read_text())
        self.units = read_table(report / "units.csv")
        self.attempts = read_table(report / "attempts.csv")
        self.stages = {stage["name"]: stage for stage in self.report["stages"]}
        self.note = note

    def row(self, stage, number):
        return next(row for row in self.stages[stage]["configurations"] if row["number"] == number)

    def head(self):
        counts = self.report["counts"]
        trained = [attempt for attempt in self.attempts if attempt["ending"] in ("done", "diverged")]
        workers = {worker["worker"]: worker for worker in self.provenance["workers"]}
        used = collections.Counter(attempt["worker"] for attempt in trained)
        spans = [(int(attempt["ended_at_unix_ms"]) / 1000, float(attempt["wall_seconds"])) for attempt in trained]
        seconds = sum(span for _, span in spans)
        ends = [end for end, _ in spans]
        starts = [end - span for end, span in spans]
        machines = sorted(
            {(workers[name]["isa"], workers[name]["device"], workers[name]["cores"], workers[name]["slots"]) for name in used}
        )
        machine = "; ".join(f"{isa}, {device}, {cores} cores, {slots} slots" for isa, device, cores, slots in machines)
        epochs = sum({unit["unit"]: int(unit["epochs"] or 0) for unit in self.units}.values())
        dataset = self.report["dataset"]
        rows = [
            ("command", "`seedgrid run experiments/paper.toml --data DIR`, then `scripts/reproduction/page.py runs/paper`"),
            ("data", f"{dataset['title']}: {dataset['train_pairs']} training and {dataset['test_pairs']} test pairs a draw, "
                     f"{len(dataset['draws'])} draws; digest of data seed {dataset['seed']}: `{dataset['digest'][:16]}...`"),
            ("units", f"{counts['done']} done, {counts['diverged']} diverged, {counts['failed']} failed, of {counts['planned']}"),
            ("epochs trained", f"{epochs:,}"),
            ("training time", f"{seconds / 3600:.2f} hours over all slots"),
            ("from first start to last end", hours(max(ends) - min(starts))),
            ("workers", machine),
            ("versions", f"Seedgrid {self.provenance['seedgrid_version']}, kernels revision {self.provenance['kernels_revision']}, "
                         + ", ".join(f"{name} {revision}" for name, revision in self.provenance["model_revisions"].items())),
        ]
        if self.note:
            rows.append(("note", self.note))
        return table(["", ""], rows)

    def tuning(self):
        stage = self.stages["tune"]
        rows = []
        for model in stage["selection"]["models"]:
            candidates = [row for row in stage["configurations"] if row["model"] == model["model"]]
            chosen = self.row("tune", model["selected"])
            paper = PAPER_CHOICE[model["model"]]
            theirs = next(
                (row for row in candidates if all(row["hyperparameters"][name] == value for name, value in paper.items())), None
            )
            names = list(paper)
            ranked = sorted(row["error"]["mean"] for row in candidates if row["error"]["mean"] is not None)
            rank = "" if theirs is None else 1 + sum(row["rank"] < theirs["rank"] for row in candidates)
            within = sum(mean <= ranked[0] + chosen["error"]["interval"]["standard_error"] for mean in ranked)
            rows.append([
                chosen["title"], settings(chosen, names), spread(chosen["error"]),
                "the same" if theirs is chosen else settings({"hyperparameters": paper}, names),
                "" if theirs is None else spread(theirs["error"]),
                f"{rank} of {len(candidates)}", within,
            ])
        return table(
            ["model", "selected", "validation error", "the paper's choice", "its validation error here", "rank of the paper's",
             "within one standard error of the best"],
            rows,
        )

    def beside(self, name):
        stage = self.stages[name]
        rows = []
        for found in stage["references"]:
            row = self.row(name, found["configuration"])
            where = "".join(f", {key.replace('_', ' ')} {value}" for key, value in found["where"].items())
            theirs = found["theirs"]
            rows.append([
                row["title"] + where, mean_error(row), rate(row["epochs"]["mean"], 1),
                rate(theirs["error"]) + (f" ± {theirs['std']:.4f}" if theirs["std"] is not None else ""),
                "" if theirs["epochs"] is None else f"{theirs['epochs']:.1f}",
                "" if found["difference"] is None else f"{found['difference']:+.4f}",
                "" if found["uncertainty95"] is None else f"± {found['uncertainty95']:.4f}",
                {"within": "within", "equivalent": "equivalent", "differs": "**differs**", "too-uncertain": "too uncertain to tell",
                 None: found["reason"]}[found["verdict"]],
            ])
        return table(
            ["model", "error here", "epochs", "error in the paper", "epochs", "difference", "95 % uncertainty", "verdict"], rows
        )

    def ranking(self):
        rows = [
            [row["title"], rate(row["averaged"]["error"]), rate(row["roc"]["auc"]), interval(row["roc"]["ci95"]),
             rate(row["precision_recall"]["average_precision"]), interval(row["precision_recall"]["ci95"])]
            for row in self.stages["final"]["configurations"]
        ]
        return table(["model", "error of the averaged prediction", "AUC", "95 %", "average precision", "95 %"], rows)

    def draws(self):
        rows = [
            [row["title"], mean_error(row), interval(row["error"]["interval"]["ci95"]), rate(row["draw"]["draws_std"]) or "–",
             rate(row["draw"]["seeds_std"]), f"{min(of(row)):.4f} to {max(of(row)):.4f}"]
            for row in self.stages["draws"]["configurations"]
        ]
        return table(
            ["model", "error", "95 % interval over draws", "deviation over draws", "over seeds", "means of single draws"], rows
        )

    def comparisons(self, name):
        rows = []
        for pair in self.stages[name]["comparisons"]["pairs"]:
            first, second = self.row(name, pair["first"]), self.row(name, pair["second"])
            rows.append([
                f"{first['title']} minus {second['title']}",
                "no mean" if pair["difference"] is None else f"{pair['difference']:+.4f}",
                interval(pair["t_test"]["ci95_simultaneous"]), p_value(pair["t_test"]["p_holm"]), p_value(pair["mcnemar"]["p_holm"]),
            ])
        return table(["", "difference", "simultaneous 95 %", "p of the t test (Holm)", "p of McNemar's (Holm)"], rows)


def of(row):
    return [draw["error"] for draw in row["draws"] if draw["error"] is not None]


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, metavar="RUN_DIR")
    parser.add_argument("--note", default="")
    arguments = parser.parse_args()
    try:
        page = Page(arguments.run, arguments.note)
    except FileNotFoundError as missing:
        sys.exit(f"error: {missing.filename} is not there\n  hint: name the run directory of a finished run of experiments/paper.toml")
    if not page.report["complete"]:
        sys.exit("error: the run is not complete\n  hint: run experiments/paper.toml again; it goes on where it stopped")
    text = (HERE / "discussion.md").read_text()
    parts = {
        "head": page.head, "tuning": page.tuning, "final": lambda: page.beside("final"), "ranking": page.ranking,
        "final-comparisons": lambda: page.comparisons("final"), "auxiliary-weight": lambda: page.beside("auxiliary-weight"),
        "draws": page.draws, "draws-beside": lambda: page.beside("draws"), "draws-comparisons": lambda: page.comparisons("draws"),
    }
    for name, part in parts.items():
        place = "{{" + name + "}}"
        if place not in text:
            sys.exit(f"error: discussion.md has no place for {place}")
        text = text.replace(place, part())
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
