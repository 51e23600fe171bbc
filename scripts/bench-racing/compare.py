"""The savings and selections of races, from report.json and units.csv of a study without and with them; see bench-racing.sh."""

import csv
import json
import pathlib
import sys


def trained(stage):
    """Different units with a result, and their epochs."""
    units = {unit["unit"]: int(unit["epochs"]) for unit in stage["units"] if unit["epochs"]}
    return len(units), sum(units.values())


def selected(stage):
    """For each model the row that was selected."""
    rows = {row["number"]: row for row in stage["configurations"]}
    return {model["model"]: rows.get(model["selected"]) for model in stage["selection"]["models"]}


def same(one, other):
    return one is not None and other is not None and all(one[key] == other[key] for key in ["hyperparameters", "stop", "normalize"])


def row_like(stage, wanted):
    return next((row for row in stage["configurations"] if same(row, wanted)), None)


def test_errors(report):
    """For each model the mean test error of the selected configuration, from the first hold-out stage that has it once."""
    errors = {}
    for stage in report["stages"]:
        if stage["evaluation"] != "holdout":
            continue
        models = [row["model"] for row in stage["configurations"]]
        for row in stage["configurations"]:
            if models.count(row["model"]) == 1:
                errors.setdefault(row["model"], row["error"]["mean"])
    return errors


def compared(rule, whole, raced):
    stages = []
    for before, after in zip(whole["stages"], raced["stages"]):
        if after["race"] is None:
            continue
        (units, epochs), (raced_units, raced_epochs) = trained(before), trained(after)
        best, chosen = selected(before), selected(after)
        tests, raced_tests = test_errors(whole), test_errors(raced)
        models = []
        for model, row in chosen.items():
            full = row and row_like(before, row)
            models.append({
                "model": model,
                "same": same(best[model], row),
                "selected": row and row["variant"],
                "validation_error": full and full["error"]["mean"],
                "lowest_validation_error": best[model] and best[model]["error"]["mean"],
                "test_error": raced_tests.get(model),
                "test_error_without_race": tests.get(model),
            })
        stages.append({
            "stage": after["name"],
            "units": {"all": units, "raced": raced_units},
            "epochs": {"all": epochs, "raced": raced_epochs, "estimated_saving": after["race"]["saved"]["epochs"]},
            "models": models,
        })
    return {"rule": rule, "stages": stages}


def share(saved, of):
    return f"{100 * saved / of:.0f} %" if of else "–"


def rate(value):
    return "–" if value is None else f"{value:.4f}"


def tables(results):
    lines = []
    for place, stage in enumerate(results[0]["stages"]):
        lines += [f"Stage {stage['stage']}: {stage['units']['all']} units, {stage['epochs']['all']} epochs without a race.", ""]
        lines += ["| race | units | epochs | epochs saved | (estimated) | same selection | validation error above the lowest |", "|---|---|---|---|---|---|---|"]
        for result in results:
            one = result["stages"][place]
            units, epochs, models = one["units"], one["epochs"], one["models"]
            regrets = [m["validation_error"] - m["lowest_validation_error"] for m in models if None not in (m["validation_error"], m["lowest_validation_error"])]
            worst = f"{max(regrets):.4f} at most" if regrets else "–"
            lines.append(
                f"| `{result['rule']}` | {units['raced']} | {epochs['raced']} | {share(epochs['all'] - epochs['raced'], epochs['all'])} "
                f"| {share(epochs['estimated_saving'], epochs['all'])} | {sum(m['same'] for m in models)} of {len(models)} models | {worst} |"
            )
        lines += ["", "| race | model | selected | validation error on all folds | lowest | test error | without a race |", "|---|---|---|---|---|---|---|"]
        for result in results:
            for m in result["stages"][place]["models"]:
                mark = "the same" if m["same"] else (m["selected"] or "nothing")
                lines.append(
                    f"| `{result['rule']}` | {m['model']} | {mark} | {rate(m['validation_error'])} | {rate(m['lowest_validation_error'])} "
                    f"| {rate(m['test_error'])} | {rate(m['test_error_without_race'])} |"
                )
        lines.append("")
    return "\n".join(lines)


def read(path):
    """A report, each stage with its units."""
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    with open(pathlib.Path(path).parent / "units.csv", encoding="utf-8", newline="") as file:
        units = list(csv.DictReader(file))
    for stage in report["stages"]:
        stage["units"] = [unit for unit in units if unit["stage"] == stage["name"]]
    return report


form, before, *raced = sys.argv[1:]
whole = read(before)
results = [compared(rule, whole, read(path)) for rule, path in zip(raced[::2], raced[1::2])]
print(json.dumps(results, indent=2) if form == "json" else tables(results))
