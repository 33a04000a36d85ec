//! Whether a topic fits what the file needs of it.

use std::time::Duration;

use pipeline_api::{Error, Result};
use pipeline_runtime::broker::{CreateTopic, Timestamps, TopicSpec};
use rdkafka::admin::ConfigResource;
use tracing::warn;

/// Errors: the topic that is about to be made would lose records that nobody has read. It is said before there is one, as
/// `topic.create` does not change a topic.
pub(crate) fn check_new(spec: &TopicSpec, create: &CreateTopic) -> Result<()> {
    check_age(spec, |name| create.config.get(name).map(String::as_str))
}

/// Errors: the topic loses records that nobody has read, for other reasons than that they wait too long.
pub(crate) fn check(spec: &TopicSpec, config: &ConfigResource, largest: i64) -> Result<()> {
    let value = |name: &str| config.get(name).and_then(|entry| entry.value.as_deref());
    let (topic, policy) = (&spec.name, value("cleanup.policy").unwrap_or_default());
    if policy.contains("compact") {
        return Err(Error::config(format!(
            "topic `{topic}` has `cleanup.policy: {policy}`, which removes records that nobody has read, expected `delete`"
        )));
    }
    check_age(spec, value)?;
    if let Some(most) = number(value("max.message.bytes")).filter(|&most| most < largest) {
        warn!(
            topic,
            "the topic takes records of up to {most} bytes (`max.message.bytes`), and producers send up to {largest} \
             (`message.max.bytes`): one between them would stop the run"
        );
    }
    Ok(())
}

/// Kafka counts a record's age from the record's own timestamp. One from the data may be years old when it comes, and is then
/// gone within minutes, unless nothing goes by its age, or the topic does not take it in the first place.
fn check_age<'a>(spec: &TopicSpec, value: impl Fn(&str) -> Option<&'a str>) -> Result<()> {
    let takes_arrival = value("message.timestamp.type").is_some_and(|kind| kind == "LogAppendTime");
    if spec.timestamps == Timestamps::Clock || takes_arrival {
        return Ok(());
    }
    let (topic, retention) = (&spec.name, value("retention.ms"));
    let removes = match (retention, number(retention), number(value("message.timestamp.before.max.ms"))) {
        (None, ..) => format!("`topic.create` says nothing of `retention.ms`, so topic `{topic}` would remove records"),
        // What is no number is Kafka's to refuse.
        (_, None, _) | (_, Some(..=-1), _) => return Ok(()),
        (_, Some(retention), Some(before)) if before < retention => return Ok(()),
        (_, Some(retention), _) => {
            let age = Duration::from_millis(u64::try_from(retention).unwrap_or(0));
            format!("topic `{topic}` removes records after {} (`retention.ms: {retention}`)", in_words(age))
        }
    };
    Err(Error::config(format!(
        "{removes} by their own timestamps, which `topic.timestamp` takes from the data: old ones are gone before they are \
         read; expected `topic.create: {{ config: {{ retention.ms: -1 }} }}`, or `message.timestamp.type: LogAppendTime` \
         there, or a `message.timestamp.before.max.ms` below the retention, with which Kafka refuses old ones, or no \
         `topic.timestamp`; the settings of a topic that is there are changed with `kafka-configs`"
    )))
}

fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

fn in_words(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds >= 2 * 86_400 => format!("{} days", seconds / 86_400),
        seconds if seconds >= 2 * 3_600 => format!("{} hours", seconds / 3_600),
        _ => format!("{age:?}"),
    }
}
