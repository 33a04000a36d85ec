//! A client that is asked and never polled.

use std::ops::Deref;

use pipeline_api::{Error, Result};
use rdkafka::ClientContext;
use rdkafka::client::Client;

use crate::native::Attendant;

/// A client with somebody who hears what it says.
pub(crate) struct Attended<T> {
    // Before the client: it is dropped first.
    _attendant: Attendant,
    client: T,
}

impl<T> Attended<T> {
    /// Errors: no thread can be started.
    pub(crate) fn new<C: ClientContext + 'static>(client: T, inner: impl FnOnce(&T) -> &Client<C>) -> Result<Self> {
        let attendant = Attendant::new(inner(&client))
            .map_err(|error| Error::fatal("no thread can be started for a Kafka client").with_source(error))?;
        Ok(Self { _attendant: attendant, client })
    }
}

impl<T> Deref for Attended<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.client
    }
}
