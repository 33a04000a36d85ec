"""Reads what the quickstart wrote with an engine that shares no code with it, and compares it with the CSV, both ways."""

import sys

import duckdb

pipelines = sys.argv[1]
columns = "symbol, date, open, high, low, close, volume, adj_close"
tables = {
    "the CSV": f"SELECT {columns} FROM read_csv('{pipelines}/data/stocks_daily.csv')",
    "Parquet": f"SELECT {columns} FROM read_parquet('{pipelines}/out/stocks/*/*/*.parquet', hive_partitioning = true)",
    "JSON": f"SELECT {columns} FROM read_json('{pipelines}/out/stocks_json/*.json.gz', format = 'newline_delimited')",
}

expected = duckdb.sql(tables["the CSV"])
assert len(expected) == 12154, f"the CSV has {len(expected)} rows"
for name in ("Parquet", "JSON"):
    found = duckdb.sql(tables[name])
    assert len(found) == len(expected), f"{name} has {len(found)} rows, the CSV {len(expected)}"
    for what, left, right in (("missing", "the CSV", name), ("foreign", name, "the CSV")):
        rows = duckdb.sql(f"({tables[left]}) EXCEPT ALL ({tables[right]})").fetchall()
        assert not rows, f"{name}: {len(rows)} rows are {what}, such as {rows[0]}"
    print(f"{name}: {len(found)} rows, each equal to its row of the CSV")

years = duckdb.sql(
    f"SELECT count(*) FROM read_parquet('{pipelines}/out/stocks/*/*/*.parquet', hive_partitioning = true) WHERE year != year(date)"
).fetchall()[0][0]
assert years == 0, f"{years} rows lie in the folder of another year"
