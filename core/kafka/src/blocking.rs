//! Calls of librdkafka that wait for a broker.

use pipeline_api::{Error, Result};

/// Runs a call that waits on a thread where that harms nobody.
pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(error) => Err(Error::fatal("a call of the Kafka client panicked").with_source(error)),
    }
}

/// Drops a consumer where nobody waits for it: rust-rdkafka closes one in steps of 100 ms.
pub(crate) fn drop_aside(consumer: impl Send + 'static) {
    // Where no thread can be started it is dropped here.
    _ = std::thread::Builder::new().name("kafka close".into()).spawn(move || drop(consumer));
}
