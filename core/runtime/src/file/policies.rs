//! The settings of a plan that name no plugin.

use std::path::Path;

use pipeline_api::ByteSize;

use super::names;
use super::problems::Problems;
use super::spec::{EmbeddedSpec, ErrorsSpec, FlushSpec, OnFailureSpec, ReconcileSpec, RetrySpec, ToleranceSpec};
use crate::plan::{
    EmbeddedSettings, ErrorPolicy, FlushPolicy, OnFailure, ReconcilePolicy, RetryPolicy, Tolerance, TopicPlan,
};

/// How much a sink writes at once, and the memory that it may use, if a file says nothing of either.
const BYTES: ByteSize = ByteSize::mib(32);
const MEMORY: ByteSize = ByteSize::mib(32);

/// When a sink flushes. Who asks for large files gets the memory to write them.
pub(super) fn flush(spec: &FlushSpec) -> FlushPolicy {
    let memory = spec.bytes.map_or(MEMORY, |bytes| bytes.times(4).max(MEMORY));
    FlushPolicy {
        rows: spec.rows,
        bytes: spec.bytes.unwrap_or(BYTES),
        every: spec.every.get(),
        idle: spec.idle.map(|idle| idle.get()),
        memory: spec.memory.unwrap_or(memory),
    }
}

/// When what a sink has left is compared with what is committed.
pub(super) fn reconcile(spec: &ReconcileSpec) -> ReconcilePolicy {
    let on_failure = match spec.on_failure {
        OnFailureSpec::Fail => OnFailure::Fail,
        OnFailureSpec::Warn => OnFailure::Warn,
    };
    ReconcilePolicy { every: spec.every.map(|every| every.get()), on_failure }
}

/// What happens to records that nobody accepts, and to calls that fail.
pub(super) fn errors(spec: Option<ErrorsSpec>, topic: Option<&TopicPlan>, problems: &mut Problems) -> ErrorPolicy {
    let spec = spec.unwrap_or_default();
    let tolerance = match (spec.tolerance, spec.dead_letter_topic) {
        (ToleranceSpec::All, Some(name)) => {
            check_dead_letter_topic(&name, topic, problems);
            Tolerance::DeadLetterTopic(name)
        }
        (ToleranceSpec::None, None) => Tolerance::None,
        (ToleranceSpec::All, None) => {
            // A topic whose name could not be read is there all the same.
            if !problems.has_errors_within("/errors/dead_letter_topic") {
                problems.value(
                    "/errors/tolerance",
                    "`all` needs a `dead_letter_topic` for the records that nobody accepts",
                );
            }
            Tolerance::None
        }
        (ToleranceSpec::None, Some(_)) => {
            if !problems.has_errors_within("/errors/tolerance") {
                problems
                    .key("/errors/dead_letter_topic", "has no use under `tolerance: none`, expected `tolerance: all`");
            }
            Tolerance::None
        }
    };
    ErrorPolicy { tolerance, retry: retry(&spec.retry, problems) }
}

/// The embedded broker's settings, for the pipeline `name` whose file is in `folder`.
pub(super) fn broker(
    spec: Option<EmbeddedSpec>,
    name: &str,
    folder: &Path,
    problems: &mut Problems,
) -> EmbeddedSettings {
    let spec = spec.unwrap_or_default();
    if spec.in_memory && spec.path.is_some() {
        problems.key("/embedded/path", "has no use under `in_memory: true`, expected one of the two");
    }
    let path = match spec.path {
        _ if spec.in_memory => None,
        Some(path) => Some(folder.join(path)),
        None => Some(folder.join(".pipeline").join(name)),
    };
    EmbeddedSettings { path, retention: spec.retention }
}

fn retry(spec: &RetrySpec, problems: &mut Problems) -> RetryPolicy {
    if spec.pause > spec.max_pause {
        let message = format!("`{}` is longer than the longest pause, expected at most {}", spec.pause, spec.max_pause);
        problems.value("/errors/retry/pause", message);
    }
    RetryPolicy { timeout: spec.timeout.get(), pause: spec.pause.get(), max_pause: spec.max_pause.get() }
}

fn check_dead_letter_topic(name: &str, topic: Option<&TopicPlan>, problems: &mut Problems) {
    let at = "/errors/dead_letter_topic";
    if let Err(why) = names::topic(name) {
        problems.value(at, why);
    } else if topic.is_some_and(|topic| topic.name.as_ref() == name) {
        problems.value(at, format!("`{name}` is the topic of the records themselves, expected another"));
    }
}
