"""Everything that can be written is read back over S3 by DuckDB, which shares no code with what wrote it: each type, each
compression and each form of partitions, every value.

    read_back.py pipeline           a pipeline file with a sink for each form and compression
    read_back.py records            records for its standard input, with the edges of each type
    read_back.py read [another]     reads what the sinks wrote, from the S3 server that AWS' variables name; `another` takes
                                    other values of one record for what was written, which it must notice"""

import base64
import datetime
import decimal
import json
import os
import struct
import sys

BUCKET = "types"

D = decimal.Decimal


def day(text):
    return datetime.date.fromisoformat(text)


def at(text):
    return datetime.datetime.fromisoformat(text)


# Of each column: its type in the pipeline file, the same to DuckDB, and values at the edges.
COLUMNS = {
    "id": ("bigint not null", "BIGINT", []),
    "symbol": (
        "string",
        "VARCHAR",
        ["IBM", "a/b=c%", "größe 🦀", "a:b", " x", "..", "%41", "null", "NaN", "'\"\\", "\u2028", "\u0007", "ü"],
    ),
    "text": ("string", "VARCHAR", ["", " ", "null", "-0", "1e400", "\ufeffx", "\u2028\r\n\t", "\"\\'`", "ü🦀\U0010ffff"]),
    "yes": ("boolean", "BOOLEAN", [True, False]),
    "tiny": ("tinyint", "TINYINT", [0, -1, -128, 127]),
    "small": ("smallint", "SMALLINT", [0, -1, -(2**15), 2**15 - 1]),
    "whole": ("int", "INTEGER", [0, -1, -(2**31), 2**31 - 1]),
    "large": ("bigint", "BIGINT", [0, -1, -(2**63), 2**63 - 1, 2**53 + 1]),
    "single": ("float", "FLOAT", [0.0, 0.1, -1.5, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45]),
    "twice": ("double", "DOUBLE", [0.0, 0.1, -1.5, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324]),
    "price": ("decimal(18,6)", "DECIMAL(18,6)", [D("0.000001"), D("-0.000001"), D("0"), D("182.5"), D("-999999999999.999999")]),
    "wide": ("decimal(38,10)", "DECIMAL(38,10)", [D("9" * 28 + "." + "9" * 10), D("-1." + "0" * 9 + "1"), D("0")]),
    "day": ("date", "DATE", [day("1970-01-01"), day("1969-12-31"), day("0001-01-01"), day("9999-12-31"), day("2024-02-29")]),
    "at": (
        "timestamp",
        "TIMESTAMP",
        [
            at("1970-01-01 00:00:00"),
            at("1969-12-31 23:59:59.999"),
            at("0001-01-01 00:00:00.001"),
            at("9999-12-31 23:59:59.999"),
            at("2026-01-02 14:30:00.120"),
        ],
    ),
    "exact": (
        "timestamp(6)",
        "TIMESTAMP",
        [at("1969-12-31 23:59:59.999999"), at("1970-01-01 00:00:00.000001"), at("9999-12-31 23:59:59.999999"), at("2026-01-02 14:30:00")],
    ),
    "raw": ("binary", "BLOB", [b"", b"\0", b"\xff\xfe\xfd", "ü".encode()]),
    "prices": ("array<double>", "DOUBLE[]", [[], [0.1], [None, -1.5], [0.0] * 40]),
    "nested": (
        "struct<a:int,b:array<struct<c:decimal(9,2),d:string>>>",
        "STRUCT(a INTEGER, b STRUCT(c DECIMAL(9,2), d VARCHAR)[])",
        [
            {"a": 1, "b": [{"c": D("-0.01"), "d": "ü"}, {"c": D("9999999.99"), "d": ""}]},
            {"a": None, "b": []},
            {"a": -(2**31), "b": None},
            {"a": 0, "b": [{"c": None, "d": None}]},
        ],
    ),
}

# Of each form of partitions: what stands in `partition_by`, and of each folder its name, its type and the value of a record.
FORMS = {
    "none": {},
    "string": {"symbol": ("symbol", "VARCHAR", lambda record: record["symbol"])},
    "boolean": {"yes": ("yes", "BOOLEAN", lambda record: record["yes"])},
    "tinyint": {"tiny": ("tiny", "TINYINT", lambda record: record["tiny"])},
    "smallint": {"small": ("small", "SMALLINT", lambda record: record["small"])},
    "int": {"whole": ("whole", "INTEGER", lambda record: record["whole"])},
    "bigint": {"large": ("large", "BIGINT", lambda record: record["large"])},
    "decimal": {"price": ("price", "DECIMAL(18,6)", lambda record: record["price"])},
    "date": {"day": ("day", "DATE", lambda record: record["day"])},
    "timestamp_by_date": {"date(at)": ("date", "DATE", lambda record: part(record["at"], lambda at: at.date()))},
    "timestamp_by_hour": {
        "year(at)": ("year", "INTEGER", lambda record: part(record["at"], lambda at: at.year)),
        "month(at)": ("month", "INTEGER", lambda record: part(record["at"], lambda at: at.month)),
        "hour(at)": ("hour", "INTEGER", lambda record: part(record["at"], lambda at: at.hour)),
    },
    "microseconds": {
        "date(exact) as d": ("d", "DATE", lambda record: part(record["exact"], lambda at: at.date())),
        "hour(exact) as h": ("h", "INTEGER", lambda record: part(record["exact"], lambda at: at.hour)),
    },
    "several": {
        "symbol as s": ("s", "VARCHAR", lambda record: record["symbol"]),
        "year(day)": ("year", "INTEGER", lambda record: part(record["day"], lambda day: day.year)),
        "month(day) as m": ("m", "INTEGER", lambda record: part(record["day"], lambda day: day.month)),
    },
}
FORMATS = {"parquet": {"none": "", "snappy": "", "zstd": ""}, "json": {"none": "", "gzip": ".gz", "zstd": ".zst"}}


def part(value, of):
    return None if value is None else of(value)


def records():
    """One record of nulls, and so many that each value has come, beside ever others."""
    most = max(len(values) for _, _, values in COLUMNS.values())
    nulls = dict.fromkeys(COLUMNS)
    full = [{name: values[row % len(values)] if values else None for name, (_, _, values) in COLUMNS.items()} for row in range(most)]
    return [record | {"id": id} for id, record in enumerate([nulls, *full])]


def sinks():
    return [(form, compression, format) for format, all in FORMATS.items() for compression in all for form in FORMS]


def pipeline():
    types = {name: of for name, (of, _, _) in COLUMNS.items()}
    written = [
        {
            "name": f"{format}_{compression}_{form}",
            "type": f"s3_{format}",
            "config": {
                "url": f"s3://{BUCKET}/{format}/{compression}/{form}",
                "partition_by": list(FORMS[form]),
                "compression": compression,
            },
        }
        for form, compression, format in sinks()
    ]
    # JSON is YAML.
    topic = {"name": "types", "schema": types}
    print(json.dumps({"name": "types", "sources": [{"type": "console"}], "topic": topic, "sinks": written}, indent=1))


def as_json(value):
    """A value as the topic has it. Decimals have all their digits, which Python's JSON does not know."""
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{as_json(of)}" for key, of in value.items()) + "}"
        case list():
            return "[" + ",".join(map(as_json, value)) + "]"
        case D():
            return f"{value:f}"
        case bytes():
            return json.dumps(base64.b64encode(value).decode())
        case datetime.date():
            return json.dumps(value.isoformat())
        case _:
            return json.dumps(value)


def connection():
    import duckdb
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    class Bucket(ArrowFSWrapper):
        protocol = "s3"

        @classmethod
        def _strip_protocol(cls, path):
            return path.removeprefix("s3://").rstrip("/")

    scheme, endpoint = os.environ["AWS_ENDPOINT_URL"].split("://")
    engine = duckdb.connect()
    engine.register_filesystem(Bucket(S3FileSystem(endpoint_override=endpoint, scheme=scheme)))
    return engine


def as_sql(types):
    return "{" + ", ".join(f"'{name}': '{of}'" for name, of in types.items()) + "}"


def partitioned(folders):
    types = {name: of for name, of, _ in folders}
    return f"hive_partitioning = true, hive_types = {as_sql(types)}" if folders else "hive_partitioning = false"


def read_parquet(place, folders):
    return f"read_parquet('{place}/**/*.parquet', {partitioned(folders)})"


def read_json(place, folders, types, ending):
    lines = f"format = 'newline_delimited', columns = {as_sql(types)}"
    return f"read_json('{place}/**/*.json{ending}', {lines}, {partitioned(folders)})"


# Of JSON the engine makes no bytes: they are a text in base64. And its numbers with a point are doubles before they are anything
# else, so that decimals of many digits are compared as such, and then in the text of the lines.
IN_JSON = {"raw": "VARCHAR", "price": "DOUBLE", "wide": "DOUBLE"}


def from_json(row):
    return row | {"raw": part(row["raw"], base64.b64decode)}


def in_json(row):
    decimals = {name for name, of in IN_JSON.items() if of == "DOUBLE"}
    return row | {name: part(row[name], float) for name in decimals & row.keys()}


def digits(engine, place, ending):
    """The decimals of all lines, by record, with all their digits."""
    lines = engine.sql(f"SELECT json FROM read_ndjson_objects('{place}/**/*.json{ending}')").fetchall()
    rows = [json.loads(line, parse_float=D, parse_int=D) for (line,) in lines]
    return {row["id"]: {name: row.get(name) for name in ("price", "wide")} for row in rows}


def expected(record, folders, moved):
    row = {name: value for name, value in record.items() if name not in moved}
    row["single"] = part(row["single"], lambda number: struct.unpack("f", struct.pack("f", number))[0])
    return row | {name: of(record) for name, _, of in folders}


def read(engine, records, form, compression, format):
    """Compares what one sink has written with the records. Returns how many values were, and which are wrong."""
    place = f"s3://{BUCKET}/{format}/{compression}/{form}"
    folders = list(FORMS[form].values())
    # A plain column is in the path alone.
    moved = {entry.split(" as ")[0] for entry in FORMS[form] if "(" not in entry}
    in_file = {name: of for name, (_, of, _) in COLUMNS.items() if name not in moved}
    if format == "parquet":
        table = read_parquet(place, folders)
    else:
        in_file |= {name: of for name, of in IN_JSON.items() if name in in_file}
        table = read_json(place, folders, in_file, FORMATS[format][compression])
    relation = engine.sql(f"SELECT * FROM {table}")
    types = dict(zip(relation.columns, map(str, relation.types)))
    wanted = in_file | {name: of for name, of, _ in folders}
    assert types == wanted, f"{place}: the columns are {types}, expected {wanted}"
    rows = {}
    for values in relation.fetchall():
        row = dict(zip(relation.columns, values))
        assert row["id"] not in rows, f"{place}: the record {row['id']} is there twice"
        rows[row["id"]] = row
    missing = {record["id"] for record in records} ^ rows.keys()
    assert not missing, f"{place}: missing or foreign are the records {missing}"
    wrong = []
    texts = digits(engine, place, FORMATS[format][compression]) if format == "json" else {}
    for record in records:
        row, values = rows[record["id"]], expected(record, folders, moved)
        if format == "json":
            exact = {name: values[name] for name in ("price", "wide") if name not in moved}
            wrong += compare(place, record, {name: texts[record["id"]][name] for name in exact}, exact)
            row, values = from_json(row), in_json(values) | {name: of(record) for name, _, of in folders}
        wrong += compare(place, record, row, values)
    return len(records) * len(wanted), wrong


def compare(place, record, row, expected):
    for name, value in expected.items():
        found = row[name]
        if found != value or type(found) is not type(value):
            yield f"{place}: {name} of record {record['id']} is {found!r}, expected {value!r}"


def other(value):
    """Another value of the same type, as near as can be."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case D():
            return value + D("0.000001")
        case datetime.datetime():
            return value + datetime.timedelta(milliseconds=1)
        case datetime.date():
            return value + datetime.timedelta(days=1)
        case str():
            return value + " "
        case bytes():
            return value + b"\0"
        case list():
            return [*value, None]
        case dict():
            return value | {"a": 2}


def main(command, wanted="written"):
    if command == "pipeline":
        pipeline()
        return 0
    if command == "records":
        for record in records():
            print(as_json({name: value for name, value in record.items() if value is not None or record["id"] % 2 == 0}))
        return 0
    expected = records()
    if wanted == "another":
        expected[1] = {name: value if name == "id" else other(value) for name, value in expected[1].items()}
    engine, values, wrong = connection(), 0, []
    for sink in sinks():
        of_sink, wrong_of_sink = read(engine, expected, *sink)
        values += of_sink
        wrong += wrong_of_sink
    print("\n".join(wrong) or f"{len(sinks())} tables, {values} values: each is there once and equal to itself")
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
