//! Who calls, for a client that is not of the SDK.

use std::time::{Duration, SystemTime};

pub use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;
use pipeline_api::{Error, Result};
use tokio::sync::Mutex;

use crate::failure::{causes, no_credentials};

/// Credentials that are about to expire are got anew so long before.
const EARLY: Duration = Duration::from_secs(300);

/// The credentials that the file, the environment, a profile or the machine gives, until they expire.
#[derive(Debug)]
pub struct CredentialsCache {
    provider: Option<SharedCredentialsProvider>,
    cached: Mutex<Option<Credentials>>,
}

impl CredentialsCache {
    /// Asks nobody yet.
    pub fn new(config: &SdkConfig) -> Self {
        Self { provider: config.credentials_provider(), cached: Mutex::default() }
    }

    /// Called before each request. Asks whoever has them if there are none, or if they are about to expire.
    ///
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if nobody has any, [`Retriable`](pipeline_api::ErrorKind::Retriable)
    /// if whoever gave some before does not give new ones.
    pub async fn get(&self) -> Result<Credentials> {
        let mut cached = self.cached.lock().await;
        if let Some(credentials) = cached.as_ref().filter(|credentials| is_fresh(credentials)) {
            return Ok(credentials.clone());
        }
        let Some(provider) = &self.provider else { return Err(Error::config(no_credentials("nobody provides them"))) };
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| refused(&error, cached.is_some()))?;
        Ok(cached.insert(credentials).clone())
    }
}

fn refused(error: &CredentialsError, gave_before: bool) -> Error {
    let reason = causes(error).pop().unwrap_or_else(|| error.to_string());
    match gave_before {
        true => Error::retriable("who gave the credentials gives no new ones").with_source(reason),
        false => Error::config(no_credentials(reason.trim_end_matches('.'))),
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + EARLY)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_credential_types::provider::future;

    use super::*;

    /// Gives credentials that are good for so many seconds, and counts how often.
    #[derive(Clone, Debug, Default)]
    struct Counted(Arc<AtomicU64>, u64);

    impl ProvideCredentials for Counted {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            let expiry = SystemTime::now() + Duration::from_secs(self.1);
            future::ProvideCredentials::ready(Ok(Credentials::new("id", "geheim", None, Some(expiry), "test")))
        }
    }

    #[tokio::test]
    async fn credentials_are_asked_for_once_until_they_are_about_to_expire() {
        for (seconds, asked) in [(3600, 1), (200, 3)] {
            let provider = Counted(Arc::default(), seconds);
            let config = SdkConfig::builder().credentials_provider(SharedCredentialsProvider::new(provider.clone()));
            let cache = CredentialsCache::new(&config.build());
            for _ in 0..3 {
                assert_eq!(cache.get().await.unwrap().access_key_id(), "id");
            }
            assert_eq!(provider.0.load(Ordering::Relaxed), asked, "{seconds} s");
        }
    }

    #[tokio::test]
    async fn who_is_nobody_is_told_what_to_set() {
        let error = CredentialsCache::new(&SdkConfig::builder().build()).get().await.unwrap_err();
        assert_eq!(error.kind(), pipeline_api::ErrorKind::Config);
        assert!(error.to_string().contains("set AWS_PROFILE, or AWS_ACCESS_KEY_ID"), "{error}");
    }
}
