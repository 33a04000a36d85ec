"""Reads what pipelines wrote with an engine that shares no code with them, and compares it with the CSV, both ways.

Each argument is a folder with data/stocks_daily.csv, and Parquet and JSON files somewhere below out/."""

import os
import sys

import duckdb

COLUMNS = "symbol, date, open, high, low, close, volume, adj_close"


def read_back(folder):
    assert os.path.isdir(folder), f"{folder} is no folder"
    parquet = f"read_parquet('{folder}/out/**/*.parquet', hive_partitioning = true, filename = true)"
    json = f"read_json('{folder}/out/**/*.json*', format = 'newline_delimited')"
    duckdb.sql(f"CREATE OR REPLACE TEMP TABLE expected AS SELECT {COLUMNS} FROM read_csv('{folder}/data/stocks_daily.csv')")
    for name, table in (("Parquet", parquet), ("JSON", json)):
        duckdb.sql(f"CREATE OR REPLACE TEMP TABLE found AS SELECT {COLUMNS} FROM {table}")
        for what, left, right in (("missing", "expected", "found"), ("foreign", "found", "expected")):
            rows = duckdb.sql(f"FROM {left} EXCEPT ALL FROM {right}").fetchall()
            assert not rows, f"{folder}: {name}: {len(rows)} rows are {what}, such as {rows[0]}"
    elsewhere = duckdb.sql(
        f"SELECT count(*) FROM {parquet} WHERE filename LIKE '%/year=%' AND filename NOT LIKE '%/year=' || year(date) || '/%'"
    ).fetchall()[0][0]
    assert elsewhere == 0, f"{folder}: {elsewhere} rows lie in the folder of another year"
    return duckdb.sql("SELECT count(*) FROM expected").fetchall()[0][0]


folders = sys.argv[1:]
assert folders, "no folder was given"
rows = sum(read_back(folder) for folder in folders)
assert rows, "the CSVs are empty"
print(f"{len(folders)} folders, {rows} rows of the CSV: each is once in Parquet and once in JSON, and no other is")
