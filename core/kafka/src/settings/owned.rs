//! What a pipeline file may not set, and why.

/// Why a file may not set the property of this canonical name, if it may not.
pub(super) fn reason(property: &str) -> Option<&'static str> {
    let listed = OWNED.iter().chain(&DOORS).find(|(names, _)| names.contains(&property));
    listed.map(|(_, why)| *why).or_else(|| {
        let code = property.ends_with("_cb") || property.starts_with("test.") || property.starts_with("ut_");
        code.then_some("is set by programs, not by files")
    })
}

/// Whether the property, with this value, has a client fetch tokens over HTTP.
pub(super) fn is_oidc(property: &str, value: &str) -> bool {
    property.strip_prefix("sasl.oauthbearer.").is_some_and(|rest| match rest {
        "method" => value.eq_ignore_ascii_case("oidc"),
        "metadata.authentication.type" => !value.eq_ignore_ascii_case("none"),
        _ => rest.ends_with("url"),
    })
}

type Reasons = (&'static [&'static str], &'static str);

/// What a guarantee rests on.
const OWNED: [Reasons; 19] = [
    (
        &["enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms", "enable.auto.offset.store"],
        "is the runtime's own: an offset is committed when all below it is durable",
    ),
    (
        &["offset.store.method", "offset.store.path", "offset.store.sync.interval.ms"],
        "is the runtime's own: offsets are stored by the group's coordinator",
    ),
    (&["isolation.level"], "is the runtime's own: sinks read what was committed, and nothing else"),
    (&["auto.offset.reset"], "is the runtime's own: records that are gone stop a pipeline, which skips none"),
    (&["enable.partition.eof"], "is the runtime's own: it has to see where a partition ends"),
    (&["group.id"], "is the runtime's own: a sink reads as the group `<pipeline>.<sink>`"),
    (
        &["group.instance.id"],
        "is the runtime's own, one for each task: set `instance` in `kafka`, which they begin with",
    ),
    (
        &["group.protocol", "group.protocol.type", "group.remote.assignor", "partition.assignment.strategy"],
        "is the runtime's own: its promises are proved for the classic protocol with ranges",
    ),
    (&["transactional.id"], "is the runtime's own: it says which task a producer is, and fences its last one"),
    (
        &["enable.idempotence", "enable.gapless.guarantee"],
        "is the runtime's own: without it records are doubled or lost",
    ),
    (&["request.required.acks"], "is the runtime's own: a record counts when all replicas in sync have it"),
    (&["queuing.strategy"], "is the runtime's own: records are sent in their order"),
    (&["delivery.report.only.error", "produce.offset.report"], "is the runtime's own: it asks for failures alone"),
    (&["allow.auto.create.topics"], "is the runtime's own: `topic.create` says how a topic is created"),
    (
        &["consume.callback.max.messages", "enabled_events", "internal.termination.signal"],
        "is set by programs, not by files",
    ),
    (&["opaque", "default_topic_conf", "interceptors", "msg_order_cmp"], "is set by programs, not by files"),
    (&["ssl_key", "ssl_certificate", "ssl_ca", "ssl_engine_callback_data"], "is set by programs, not by files"),
    (&["log_level", "log.queue", "log.thread.name"], "is the runtime's own: RUST_LOG says what is logged"),
    (
        &["builtin.features", "client.software.name", "client.software.version"],
        "says what the client is, and is no choice",
    ),
];

/// What runs code that is not this program's.
const DOORS: [Reasons; 2] = [
    (
        &["plugin.library.paths", "ssl.engine.location", "ssl.engine.id", "ssl.providers"],
        "loads code into the process, which a file may not",
    ),
    (&["sasl.kerberos.kinit.cmd"], "runs a command, which a file may not"),
];
