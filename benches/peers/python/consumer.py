"""Kafka to Parquet on S3, as one would write it with good libraries: columns, large files, offsets after the upload.

It promises no more than at least once: a crash doubles what was not committed. `consumer.py BOOTSTRAP TOPIC GROUP BUCKET`, and the store
from AWS' environment variables."""

import io
import os
import signal
import sys
import uuid

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq
from confluent_kafka import Consumer
from pyarrow.fs import S3FileSystem

ROWS = 500_000
SCHEMA = pa.schema([
    ("symbol", pa.string()), ("event_time", pa.timestamp("ms")), ("open", pa.float64()), ("high", pa.float64()),
    ("low", pa.float64()), ("close", pa.float64()), ("volume", pa.int64()), ("trades", pa.int64()), ("vwap", pa.float64()),
])
PARSE = pyarrow.json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="error")

bootstrap, topic, group, bucket = sys.argv[1:]
store = S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"], region=os.environ["AWS_REGION"])
consumer = Consumer({
    "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
    "fetch.queue.backoff.ms": 5, "queued.min.messages": 50_000, "fetch.message.max.bytes": 4 << 20,
})
running = True


def stop(*_):
    global running
    running = False


def parse(messages):
    failed = next((message.error() for message in messages if message.error()), None)
    assert not failed, failed
    lines = b"\n".join(message.value() for message in messages)
    return pyarrow.json.read_json(io.BytesIO(lines), parse_options=PARSE)


def flush(tables):
    with store.open_output_stream(f"{bucket}/ticks/{uuid.uuid4()}.parquet") as file:
        pq.write_table(pa.concat_tables(tables), file, compression="zstd", compression_level=1)
    consumer.commit(asynchronous=False)
    tables.clear()


signal.signal(signal.SIGINT, stop)
consumer.subscribe([topic])
tables = []
while running:
    messages = consumer.consume(10_000, timeout=0.2)
    if messages:
        tables.append(parse(messages))
    if tables and (not messages or sum(table.num_rows for table in tables) >= ROWS):
        flush(tables)
consumer.close()
