//! How clients are made, and let in by a token where the file says so.

#[cfg(feature = "msk")]
mod token;
#[cfg(feature = "msk")]
mod tokens;

use std::ops::{Deref, DerefMut};

use pipeline_api::Result;
use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};

use crate::settings::refused;

/// A client of a cluster. As long as it lives it has a valid token, if that is how it is let in.
pub(crate) struct LetIn<T> {
    // Before the client: it is dropped first.
    #[cfg(feature = "msk")]
    _pass: Option<tokens::Pass>,
    client: T,
}

impl<T> LetIn<T> {
    /// Makes a client. `inner` is what it wraps. Errors: librdkafka refuses the settings.
    pub(crate) fn new<C>(config: &ClientConfig, context: C, inner: impl FnOnce(&T) -> &Client<C>) -> Result<Self>
    where
        C: ClientContext,
        T: FromClientConfigAndContext<C>,
    {
        let client: T = config.create_with_context(context).map_err(refused)?;
        let native = inner(&client);
        #[cfg(feature = "msk")]
        let pass = tokens::Pass::of(config, native)?;
        #[cfg(not(feature = "msk"))]
        let _ = native;
        Ok(Self {
            #[cfg(feature = "msk")]
            _pass: pass,
            client,
        })
    }
}

impl<T> Deref for LetIn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.client
    }
}

impl<T> DerefMut for LetIn<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.client
    }
}
