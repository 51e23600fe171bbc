"""Checks exported tables with the programs that people read them with: python check-export.py FOLDER DOCUMENT

Reads every table with pandas (pyarrow) and Polars, as CSV and as Parquet, and compares: the same rows, the same values, the types that
docs/export.md promises. Then checks the tables against each other, and runs every Python block of DOCUMENT in FOLDER.
"""

import json
import os
import re
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq

TABLES = ["units", "epochs", "predictions"]


def from_csv(table, like):
    """The CSV table with the types of the Parquet table."""
    text = pd.read_csv(f"{table}.csv", dtype=str, keep_default_na=False)
    assert list(text.columns) == list(like.column_names), table
    columns = {}
    for field in like.schema:
        cells = text[field.name]
        kind = str(field.type)
        if kind.startswith("list"):
            convert = json.loads
        else:
            convert = {"string": str, "int64": int, "double": float, "float": float, "bool": lambda cell: cell == "true"}[kind]
        empty = "" if kind == "string" else None
        columns[field.name] = [convert(cell) if cell != "" else empty for cell in cells]
    return columns


def check(table):
    parquet = pq.read_table(f"{table}.parquet")
    metadata = pq.read_metadata(f"{table}.parquet")
    said = {key.decode(): value.decode() for key, value in metadata.metadata.items()}
    assert said["schema"] == "seedgrid.export/1" and said["table"] == table, said
    assert all(metadata.row_group(group).num_rows <= 65536 for group in range(metadata.num_row_groups))
    expected = from_csv(table, parquet)
    for name in parquet.column_names:
        found = parquet.column(name).to_pylist()
        if str(parquet.schema.field(name).type) == "string":
            found = [cell or "" for cell in found]
        if str(parquet.schema.field(name).type) == "float":
            expected[name] = pd.Series(expected[name], dtype="float32").tolist()
        assert found == expected[name], f"{table}.{name} differs"
    polars = pl.read_parquet(f"{table}.parquet")
    assert polars.height == parquet.num_rows and polars.columns == parquet.column_names
    assert polars.to_arrow().to_pylist() == parquet.to_pylist(), f"Polars reads other values in {table}"
    again = pl.read_csv(f"{table}.csv", infer_schema_length=None)
    assert again.height == polars.height and again.columns == polars.columns
    return f"{table}: {parquet.num_rows} rows, {parquet.num_columns} columns, {metadata.num_row_groups} row groups"


def check_together():
    units = pd.read_parquet("units.parquet")
    assert not units.duplicated(["stage", "configuration", "unit"]).any()
    assert (units.groupby("unit").stage.transform("size") == units.places).all()
    once = units.drop_duplicates("unit").set_index("unit")
    trained = once[once.epochs.notna()]
    epochs = pd.read_parquet("epochs.parquet").groupby("unit").epoch.max()
    assert epochs.reindex(trained.index).fillna(0).eq(trained.epochs).all(), "every epoch is there"
    done = once[once.ending == "done"]
    predictions = pd.read_parquet("predictions.parquet")
    assert set(predictions.unit) == set(done.index)
    assert (predictions.label == (predictions.first_digit <= predictions.second_digit)).all()
    outputs = predictions[["output_0", "output_1"]].to_numpy()
    assert outputs.dtype == np.float32 and np.isfinite(outputs).all()
    assert (predictions.predicted == outputs.argmax(axis=1)).all(), "the class is that of the largest output"
    assert (predictions.score == outputs[:, 1].astype(float) - outputs[:, 0]).all()
    assert np.allclose(predictions.probability, 1 / (1 + np.exp(-predictions.score)), rtol=1e-14, atol=0)
    assert not predictions.duplicated(["unit", "pair"]).any()
    wrong = (predictions.predicted != predictions.label).groupby(predictions.unit).sum()
    assert wrong.eq(done.wrong).all(), "as many wrong predictions as the worker counted"
    assert (done.wrong / done.scored).eq(done.error).all()


def main():
    folder, document = sys.argv[1:]
    text = open(document, encoding="utf-8").read()
    os.chdir(folder)
    for table in TABLES:
        print(check(table))
    check_together()
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks, "the document has no Python"
    for number, block in enumerate(blocks, 1):
        print(f"\n== block {number} of {os.path.basename(document)}")
        exec(compile(block, f"block {number}", "exec"), {})
    print("\nall is well")


main()
