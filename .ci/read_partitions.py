"""Reads the folders that tests/partitions wrote with an engine that shares no code with what named them: each value that
can land is in one folder and reads back as it went in, and no other is there."""

import json
import sys

import duckdb

place = sys.argv[1]
with open(f"{place}/values.json", encoding="utf-8") as lines:
    records = [json.loads(line) for line in lines]
expected = {record["id"]: record.get("value") for record in records if record["lands"]}

partitioned = "hive_partitioning = true, hive_types = {'value': VARCHAR}"
tables = {
    "Parquet": f"read_parquet('{place}/out/parquet/*/*.parquet', filename = true, {partitioned})",
    "JSON": f"read_json('{place}/out/json/*/*.json', format = 'newline_delimited', filename = true, {partitioned})",
}
for name, table in tables.items():
    rows = duckdb.sql(f"SELECT id, value, filename FROM {table}").fetchall()
    found = {id: value for id, value, _ in rows}
    assert len(found) == len(rows), f"{name}: {len(rows) - len(found)} rows are there twice"
    assert found.keys() == expected.keys(), f"{name}: missing or foreign are {found.keys() ^ expected.keys()}"
    for id, value in expected.items():
        assert found[id] == value, f"{name}: {value!r} reads back as {found[id]!r}"
    folders = {filename.rsplit("/", 1)[0] for _, _, filename in rows}
    assert len(folders) == len(expected), f"{name}: {len(expected)} values lie in {len(folders)} folders"
    print(f"{name}: {len(expected)} values, each in one folder and equal to itself")
