"""Other people's clients of Kafka. kafka-python shares no code with ours, confluent-kafka the C library below it.

    clients.py LIBRARY read SERVER TOPIC COUNT            the topic's committed records, one JSON object a line
    clients.py LIBRARY write SERVER TOPIC                 writes such lines from standard input, after a transaction that it aborts
    clients.py LIBRARY committed SERVER TOPIC GROUP       what the group has committed for partition 0: offset, metadata"""

import json
import sys
import time

import confluent_kafka
import kafka

DEADLINE = time.monotonic() + 60


def text(value):
    return None if value is None else value.decode()


def raw(value):
    return None if value is None else value.encode()


def show(partition, key, value, timestamp, headers):
    headers = [[name, text(value)] for name, value in headers or []]
    record = {"partition": partition, "key": text(key), "value": text(value), "timestamp": timestamp, "headers": headers}
    print(json.dumps(record))


def headers_of(record):
    return [(name, raw(value)) for name, value in record["headers"]]


class KafkaPython:
    def __init__(self, server, topic):
        self.server, self.topic = server, topic

    def read(self, count):
        consumer = kafka.KafkaConsumer(
            self.topic,
            bootstrap_servers=self.server,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            group_id=None,
            isolation_level="read_committed",
        )
        while count > 0:
            assert time.monotonic() < DEADLINE, f"{count} records do not come"
            for records in consumer.poll(timeout_ms=500).values():
                count -= len(records)
                for record in records:
                    show(record.partition, record.key, record.value, record.timestamp, record.headers)

    def write(self, records):
        producer = kafka.KafkaProducer(
            bootstrap_servers=self.server, transactional_id="kafka-python", compression_type="gzip"
        )
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(self.topic, value=b"aborted", partition=0).get(timeout=30)
        producer.abort_transaction()
        producer.begin_transaction()
        for record in records:
            producer.send(
                self.topic,
                key=raw(record["key"]),
                value=raw(record["value"]),
                headers=headers_of(record),
                timestamp_ms=record["timestamp"],
            )
        producer.commit_transaction()
        producer.close()

    def committed(self, group):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.server, group_id=group, enable_auto_commit=False)
        committed = consumer.committed(kafka.TopicPartition(self.topic, 0), metadata=True)
        return committed.offset, committed.metadata


class ConfluentKafka:
    def __init__(self, server, topic):
        self.servers, self.topic = {"bootstrap.servers": server}, topic

    def read(self, count):
        settings = {"group.id": "confluent-kafka", "auto.offset.reset": "earliest", "enable.auto.commit": False}
        consumer = confluent_kafka.Consumer(self.servers | settings)
        consumer.subscribe([self.topic])
        while count > 0:
            assert time.monotonic() < DEADLINE, f"{count} records do not come"
            record = consumer.poll(0.5)
            if record is None:
                continue
            assert record.error() is None, record.error()
            count -= 1
            show(record.partition(), record.key(), record.value(), record.timestamp()[1], record.headers())
        consumer.close()

    def write(self, records):
        settings = {"transactional.id": "confluent-kafka", "compression.type": "zstd", "partitioner": "murmur2_random"}
        producer = confluent_kafka.Producer(self.servers | settings)
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(self.topic, value=b"aborted", partition=0)
        assert producer.flush(30) == 0
        producer.abort_transaction(30)
        producer.begin_transaction()
        for record in records:
            producer.produce(
                self.topic,
                key=raw(record["key"]),
                value=raw(record["value"]),
                headers=headers_of(record),
                timestamp=record["timestamp"],
            )
        producer.commit_transaction(30)

    def committed(self, group):
        consumer = confluent_kafka.Consumer(self.servers | {"group.id": group})
        (committed,) = consumer.committed([confluent_kafka.TopicPartition(self.topic, 0)], timeout=30)
        # It gives the metadata cut off or not at all, whoever wrote it.
        return committed.offset, None


library, command, server, topic, *rest = sys.argv[1:]
client = {"kafka-python": KafkaPython, "confluent-kafka": ConfluentKafka}[library](server, topic)
if command == "read":
    client.read(int(rest[0]))
elif command == "write":
    client.write([json.loads(line) for line in sys.stdin])
else:
    print(json.dumps(client.committed(rest[0])))
