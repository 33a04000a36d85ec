//! The client of an S3 server.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use object_store::{ClientOptions, CredentialProvider, RetryConfig};
use pipeline_api::{Error, Result, async_trait};
use pipeline_aws::{AwsSettings, CredentialsCache, has_credentials, is_loopback};
use url::Url;

use crate::connection::Connector;
use crate::settings::Settings;
use crate::store_error::{Call, store_error};
use crate::uploads::Uploads;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const DEFAULT_REGION: &str = "us-east-1";

/// A request is sent again a few times at once; beyond that the runtime flushes again, within the file's own budget for
/// retries.
const MAX_RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);

const CREDENTIALS: [AmazonS3ConfigKey; 3] =
    [AmazonS3ConfigKey::AccessKeyId, AmazonS3ConfigKey::SecretAccessKey, AmazonS3ConfigKey::Token];

/// A client for a bucket: what the settings say, else what AWS' environment variables say, else what every AWS tool would
/// find. Does not connect to the store yet. Who calls as nobody sees no uploads.
pub(crate) async fn s3_client(settings: &Settings, bucket: &str) -> Result<(Arc<AmazonS3>, Option<Uploads>)> {
    let mut builder = with_environment(defaults(settings), std::env::vars_os(), settings.access_key_id.is_some());
    builder = builder.with_bucket_name(bucket);
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
        builder = builder.with_access_key_id(id.expose()).with_secret_access_key(secret.expose());
    }
    if let Some(token) = &settings.session_token {
        builder = builder.with_token(token.expose());
    }
    let is_anonymous = is_anonymous(&builder);
    if !is_anonymous
        && (settings.profile.is_some() || builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_none())
    {
        builder = with_chain(builder, settings).await?;
    }
    for (name, value) in settings.objects.encryption() {
        let key = name.parse().map_err(|error| store_error(error, Call::Write, &format!("s3://{bucket}")))?;
        builder = builder.with_config(key, value);
    }
    builder = builder.with_virtual_hosted_style_request(!settings.path_style);
    builder = with_endpoint(builder, settings, bucket)?;
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_else(|| DEFAULT_REGION.into());
    let connector = Connector::new(settings.timeout.get());
    let built = builder.with_http_connector(connector.clone()).build();
    let client = Arc::new(built.map_err(|error| store_error(error, Call::Write, &format!("s3://{bucket}")))?);
    let http = connector.last().ok_or_else(|| Error::fatal(format!("s3://{bucket}: no connection can be made")))?;
    let uploads = (!is_anonymous).then(|| Uploads::new(Arc::clone(&client), http, region));
    Ok((client, uploads))
}

/// Whether the environment says that the bucket is everybody's.
fn is_anonymous(builder: &AmazonS3Builder) -> bool {
    builder.get_config_value(&AmazonS3ConfigKey::SkipSignature).is_some_and(|value| value == "true")
}

/// Asks the profiles, a web identity, the container and the machine who calls and, if nobody has said that, where. Errors:
/// nobody knows who calls.
async fn with_chain(mut builder: AmazonS3Builder, settings: &Settings) -> Result<AmazonS3Builder> {
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
    let known = AwsSettings { region, profile: settings.profile.clone(), ..AwsSettings::default() };
    let found = known.look_up().await;
    if let Some(region) = found.region() {
        builder = builder.with_region(region.as_ref());
    }
    let chain = Chain(CredentialsCache::new(&found));
    chain.0.get().await?;
    Ok(builder.with_credentials(Arc::new(chain)))
}

/// Credentials as the client wants them.
#[derive(Debug)]
struct Chain(CredentialsCache);

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let found = self.0.get().await;
        let found = found.map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        }))
    }
}

fn defaults(settings: &Settings) -> AmazonS3Builder {
    let options = ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT.min(settings.timeout.get()));
    let retry = RetryConfig { max_retries: MAX_RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    AmazonS3Builder::new().with_client_options(options).with_retry(retry)
}

/// Takes over the `AWS_…` variables. Credentials only as a whole: a token of the environment beside keys of the file
/// would make every request fail.
fn with_environment(
    builder: AmazonS3Builder,
    variables: impl Iterator<Item = (OsString, OsString)>,
    own_credentials: bool,
) -> AmazonS3Builder {
    let variables = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = variables
        .filter(|(name, _)| name.starts_with("AWS_"))
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok()?, value)))
        .filter(|(key, _)| !(own_credentials && CREDENTIALS.contains(key)));
    settings.fold(builder, |builder, (key, value)| builder.with_config(key, value))
}

fn with_endpoint(builder: AmazonS3Builder, settings: &Settings, bucket: &str) -> Result<AmazonS3Builder> {
    let from_environment = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let given = settings.endpoint.clone();
    let Some(text) = given.or_else(|| from_environment.iter().find_map(|key| builder.get_config_value(key))) else {
        return Ok(builder);
    };
    let mut endpoint = Url::parse(&text).map_err(|error| {
        Error::config("the environment's AWS_ENDPOINT_URL is no URL, such as https://host:port").with_source(error)
    })?;
    if has_credentials(&endpoint) {
        return Err(Error::config(
            "the environment's AWS_ENDPOINT_URL holds credentials, which logs would show: use AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY",
        ));
    }
    let http = endpoint.scheme() == "http";
    if http && !settings.allow_http && !is_loopback(&endpoint) {
        return Err(Error::config(
            "the environment's AWS_ENDPOINT_URL would send records unencrypted: use https, or set allow_http: true",
        ));
    }
    if !settings.path_style {
        let host = format!("{bucket}.{}", endpoint.host_str().unwrap_or_default());
        endpoint.set_host(Some(&host)).map_err(|error| {
            Error::config(format!("/path_style: `{host}` is no host name, leave path_style at true")).with_source(error)
        })?;
    }
    // AWS_ENDPOINT_URL_S3 would win over what the file says.
    let endpoint = endpoint.as_str().trim_end_matches('/');
    Ok(builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint).with_allow_http(http))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::settings;

    #[tokio::test]
    async fn an_endpoint_on_this_machine_may_be_plain_http_and_no_other() {
        let mut settings = settings("s3://lake/x");
        (settings.access_key_id, settings.secret_access_key) = (Some("id".into()), Some("geheim".into()));
        settings.endpoint = Some("http://127.0.0.1:9000".into());
        assert!(s3_client(&settings, "lake").await.is_ok());
        settings.endpoint = Some("http://minio.example.com:9000".into());
        assert!(s3_client(&settings, "lake").await.is_err());
        settings.allow_http = true;
        assert!(s3_client(&settings, "lake").await.is_ok());
    }

    #[test]
    fn the_bucket_goes_into_the_host_name_if_the_path_style_is_off() {
        let mut settings = settings("s3://lake/x");
        settings.endpoint = Some("https://s3.example.com".into());
        settings.path_style = false;
        let builder = with_endpoint(defaults(&settings), &settings, "lake").unwrap();
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint);
        assert_eq!(endpoint.as_deref(), Some("https://lake.s3.example.com"));
    }

    #[test]
    fn an_endpoint_of_the_environment_with_a_password_in_it_is_refused_and_not_shown() {
        let variables = [("AWS_ENDPOINT_URL".into(), "https://me:geheim@s3.example.com".into())];
        let builder = with_environment(defaults(&settings("s3://lake/x")), variables.into_iter(), false);
        let error = with_endpoint(builder, &settings("s3://lake/x"), "lake").map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("holds credentials"), "{error}");
        assert!(!format!("{error:?}").contains("geheim"));
    }

    fn in_environment(own_credentials: bool) -> AmazonS3Builder {
        let variables = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ACCESS_KEY_ID", "environment"),
            ("AWS_SESSION_TOKEN", "token"),
            ("HOME", "/root"),
        ];
        let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        with_environment(defaults(&settings("s3://lake/x")), variables.into_iter(), own_credentials)
    }

    #[test]
    fn the_environment_gives_what_the_file_leaves_out() {
        let builder = with_endpoint(in_environment(false), &settings("s3://lake/x"), "lake").unwrap();
        let value = |key: AmazonS3ConfigKey| builder.get_config_value(&key);
        assert_eq!(value(AmazonS3ConfigKey::S3Endpoint).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(value(AmazonS3ConfigKey::AccessKeyId).as_deref(), Some("environment"));
    }

    #[test]
    fn credentials_of_the_file_are_not_mixed_with_a_token_of_the_environment() {
        assert!(CREDENTIALS.iter().all(|key| in_environment(true).get_config_value(key).is_none()));
    }
}
