//! The embedded broker does what the engine relies on.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use pipeline_api::ByteSize;
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::EmbeddedSettings;
use pipeline_testkit::broker_conformance;

const SESSION_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn the_embedded_broker_in_memory_conforms() {
    broker_conformance::run(async || {
        let settings = EmbeddedSettings { path: None, retention: ByteSize::mib(64) };
        EmbeddedBroker::open_with(&settings, SESSION_TIMEOUT).unwrap() as Arc<_>
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_embedded_broker_in_a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let settings = EmbeddedSettings { path: Some(folder.path().to_owned()), retention: ByteSize::mib(64) };
    let broker = EmbeddedBroker::open_with(&settings, SESSION_TIMEOUT).unwrap();
    broker_conformance::run(async || broker.clone() as Arc<_>).await;
}
