//! Where AWS is, and who calls.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::SdkConfig;
use pipeline_api::{Error, Findings, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::endpoint;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// A call is sent again so often at once; beyond that the runtime repeats the flush, within the file's own budget.
const ATTEMPTS: u32 = 4;

/// Where AWS is and who calls. What is left out comes from where every AWS tool has it: the environment (`AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, …), the profiles in `~/.aws`, a web identity, the role of the container or the machine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSettings {
    /// The region, such as `eu-central-1`.
    pub region: Option<String>,

    /// The profile of `~/.aws/config` that gives the region and the credentials. Default: `AWS_PROFILE`, else `default`.
    pub profile: Option<String>,

    /// The URL of a server other than AWS, such as `http://127.0.0.1:5000`. Default: the environment variable
    /// `AWS_ENDPOINT_URL_GLUE` or `AWS_ENDPOINT_URL_ATHENA`, else `AWS_ENDPOINT_URL`, else AWS itself.
    pub endpoint: Option<String>,

    /// Allows an `endpoint` that is plain HTTP and not on this machine.
    #[serde(default)]
    pub allow_http: bool,

    /// The access key, with `secret_access_key`.
    pub access_key_id: Option<Secret>,

    /// The secret that belongs to `access_key_id`.
    pub secret_access_key: Option<Secret>,

    /// The token that belongs to temporary credentials.
    pub session_token: Option<Secret>,
}

impl AwsSettings {
    /// Reports what is wrong with the settings, which stand at `pointer` of the config (`/aws`). Pure.
    pub fn check(&self, pointer: &str, findings: &mut Findings) {
        if let Some(region) = &self.region
            && (region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        {
            findings.error(
                format!("{pointer}/region"),
                format!("`{region}` is no region, expected one such as eu-central-1"),
            );
        }
        if let Some(endpoint) = &self.endpoint {
            endpoint::check(endpoint, self.allow_http, &format!("{pointer}/endpoint"), findings);
        }
        self.check_credentials(pointer, findings);
    }

    fn check_credentials(&self, pointer: &str, findings: &mut Findings) {
        let (field, message) = match (&self.access_key_id, &self.secret_access_key) {
            (Some(_), None) => ("access_key_id", "secret_access_key is missing: give both, or neither"),
            (None, Some(_)) => ("secret_access_key", "access_key_id is missing: give both, or neither"),
            (None, None) if self.session_token.is_some() => {
                ("session_token", "a token needs the access_key_id and secret_access_key that it was made with")
            }
            (Some(_), Some(_)) if self.profile.is_some() => {
                ("profile", "both a profile and an access key: leave one of them out")
            }
            _ => return,
        };
        findings.error(format!("{pointer}/{field}"), message);
    }

    /// The configuration of a client for `service`, named as in `AWS_ENDPOINT_URL_…`: `GLUE`. Reads the environment and the
    /// profiles, and asks the machine for its region if nobody else says one; calls nothing else.
    ///
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if there is no region.
    pub async fn load(&self, service: &str) -> Result<SdkConfig> {
        if self.endpoint.is_none() {
            endpoint::check_environment(service, self.allow_http)?;
        }
        let config = self.look_up().await;
        if config.region().is_none() {
            return Err(Error::config(
                "nothing says in which AWS region; say `region`, set AWS_REGION, or name a profile that has one",
            ));
        }
        Ok(config)
    }

    /// The same for a client that has a mind of its own about regions and endpoints.
    pub async fn look_up(&self) -> SdkConfig {
        self.loader().await.load().await
    }

    async fn loader(&self) -> ConfigLoader {
        let client =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client.clone())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            // The SDK's own order has the environment before any profile, whoever named it.
            let region = self.region_beside(profile).await;
            let chain = ProviderConfig::without_region().with_region(region.clone()).with_http_client(client);
            let credentials = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&chain).build();
            loader = loader.profile_name(profile).credentials_provider(credentials);
            loader = region.into_iter().fold(loader, ConfigLoader::region);
        }
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let (Some(id), Some(secret)) = (&self.access_key_id, &self.secret_access_key) {
            let token = self.session_token.as_ref().map(|token| token.expose().to_owned());
            loader = loader.credentials_provider(Credentials::new(
                id.expose(),
                secret.expose(),
                token,
                None,
                "the pipeline file",
            ));
        }
        loader
    }

    /// The region that goes with a profile: what the file says, else the profile, else the environment.
    async fn region_beside(&self, profile: &str) -> Option<Region> {
        let said = self.region.clone().map(Region::new);
        let of_profile = ProfileFileRegionProvider::builder().profile_name(profile).build();
        let of_environment = EnvironmentVariableRegionProvider::new();
        RegionProviderChain::first_try(said).or_else(of_profile).or_else(of_environment).region().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(settings: &AwsSettings) -> Vec<String> {
        let mut findings = Findings::default();
        settings.check("/aws", &mut findings);
        findings.iter().map(|finding| format!("{}: {}", finding.pointer, finding.message)).collect()
    }

    #[test]
    fn what_is_wrong_is_found_before_anything_connects() {
        let secret = || Some(Secret::from("geheim"));
        let base = AwsSettings::default;
        for (settings, expected) in [
            (AwsSettings { region: Some("eu central".into()), ..base() }, "/aws/region: `eu central` is no region"),
            (AwsSettings { endpoint: Some("glue".into()), ..base() }, "/aws/endpoint: `glue` is no URL"),
            (
                AwsSettings { endpoint: Some("http://10.0.0.1:1".into()), ..base() },
                "/aws/endpoint: `http://10.0.0.1:1` would send",
            ),
            (
                AwsSettings { endpoint: Some("http://a:geheim@h".into()), ..base() },
                "/aws/endpoint: the endpoint holds credentials",
            ),
            (AwsSettings { access_key_id: secret(), ..base() }, "/aws/access_key_id: secret_access_key is missing"),
            (AwsSettings { secret_access_key: secret(), ..base() }, "/aws/secret_access_key: access_key_id is missing"),
            (AwsSettings { session_token: secret(), ..base() }, "/aws/session_token: a token needs"),
            (
                AwsSettings {
                    access_key_id: secret(),
                    secret_access_key: secret(),
                    profile: Some("p".into()),
                    ..base()
                },
                "/aws/profile: both a profile and an access key",
            ),
        ] {
            let found = findings(&settings);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(expected), "{found:?}");
            assert!(!found[0].contains("geheim"), "{found:?}");
        }
        let right = AwsSettings { endpoint: Some("http://127.0.0.1:5000".into()), allow_http: false, ..base() };
        assert!(findings(&right).is_empty());
    }

    #[tokio::test]
    async fn what_the_file_says_wins_over_the_environment() {
        let settings = AwsSettings {
            region: Some("eu-central-1".into()),
            endpoint: Some("http://127.0.0.1:1".into()),
            access_key_id: Some(Secret::from("id")),
            secret_access_key: Some(Secret::from("geheim")),
            ..AwsSettings::default()
        };
        let config = settings.load("GLUE").await.unwrap();
        assert_eq!(config.region().map(Region::as_ref), Some("eu-central-1"));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:1"));
        assert!(!format!("{settings:?}{config:?}").contains("geheim"));
    }
}
