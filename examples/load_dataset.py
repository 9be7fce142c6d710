#!/usr/bin/python3
"""Load the tables of a dataset with pandas, and print what is in them: load_dataset.py DIR

CSV needs pandas alone. Parquet (detgen dataset build --format parquet) needs pyarrow besides;
polars.read_parquet(FILE) and duckdb's "SELECT * FROM 'FILE'" read the same files by themselves.
"""
import pathlib
import sys

import pandas


def load(folder, name):
    """A table of the dataset, with times as such."""
    if (folder / f"{name}.parquet").exists():
        return pandas.read_parquet(folder / f"{name}.parquet")
    # Texts stay texts: an empty cell is no number that is missing.
    table = pandas.read_csv(folder / f"{name}.csv", low_memory=False, keep_default_na=False, na_values={"delay": [""]})
    for column in ("start", "end", "time"):
        if column in table:
            table[column] = pandas.to_datetime(table[column], unit="ns")
    return table


def main():
    folder = pathlib.Path(sys.argv[1])
    runs = pandas.read_csv(folder / "runs.csv", dtype={"left_out": "string"})
    connections, packets = load(folder, "connections"), load(folder, "packets")

    # Splits are by run, so no run is in two of them.
    assert connections.groupby("run")["split"].nunique().max() == 1
    print(connections.groupby(["split", "label"]).size().to_string())

    # Factors are columns of connections; for packets they are a join away.
    joined = packets.merge(runs[["run", "params.count"]] if "params.count" in runs else runs[["run"]], on="run")
    assert len(joined) == len(packets)
    seconds = (connections["end"] - connections["start"]).dt.total_seconds()
    print(f"{len(runs)} runs, {len(connections)} connections, {len(packets)} packets, longest {seconds.max():.3f} s")


if __name__ == "__main__":
    main()
