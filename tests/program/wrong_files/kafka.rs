//! Kafka clients that cannot be made as the file wants them.

use super::assert_said;

const SINK: &str = "config: { url: out }\n";

const BLOCK: &str = "\
config: { url: out }
kafka:
  bootstrap.servers: 'k:90921'
  security.protocol: sasl_ssl
  sasl.mechanism: PLAIN
  sasl.username: me
  sasl.pasword: hunter2
  enable.auto.commit: true
  consumer: { fetch.min.byte: 1000 }
  producer: { linger.ms: 5s, retries: 0 }
  admin: { request.timeout.ms: 5000 }
  instance: a b
  latency: lo
";

#[test]
fn every_mistake_of_a_block_is_told_before_anything_connects() {
    let said = [
        "18:22 kafka.\"bootstrap.servers\": `k:90921` is no server, expected `host:port` with a port from 1 to 65535",
        "22:17 kafka.\"sasl.pasword\": unknown property, did you mean `sasl.password`?",
        "23:23 kafka.\"enable.auto.commit\": is the runtime's own: an offset is committed when all below it is durable; leave it out",
        "24:31 kafka.consumer.\"fetch.min.byte\": unknown property, did you mean `fetch.min.bytes`?",
        "25:26 kafka.producer.\"linger.ms\": found `5s`, expected a number from 0 to 900000",
        "25:39 kafka.producer.retries: `retries` must be set >= 1 when `enable.idempotence` is true; found 0",
        "26:32 kafka.admin.\"request.timeout.ms\": is a property of producers, expected it in `producer`; how long an admin request may take is `socket.timeout.ms`",
        "27:13 kafka.instance: `a b` has ` ` in it, expected letters, digits, `.`, `_` and `-` only",
        "28:12 kafka.latency: found the text `lo`, did you mean `low`? expected one of normal, low",
    ];
    let created = "config: { url: out }\nkafka: { bootstrap.servers: k, plugin.library.paths: x.so }\n";
    assert_said(&[
        (SINK, BLOCK, &said.join("\n")),
        (
            SINK,
            created,
            "17:54 kafka.\"plugin.library.paths\": loads code into the process, which a file may not; leave it out",
        ),
    ]);
}
