//! The settings that both sinks share, and what is wrong with them.

use pipeline_api::{ByteSize, Findings, HumanDuration, Secret};
use pipeline_aws::{has_credentials, is_loopback};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::encoding::Encoding;
use crate::location::Location;
use crate::objects::ObjectSettings;

/// The config of a sink that writes files.
pub trait FileConfig: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The word after `type:`.
    const TYPE: &'static str;

    /// The form of its files.
    type Encoding: Encoding;

    /// The settings that it shares with the others.
    fn settings(&self) -> Settings;

    /// The form of its files.
    fn encoding(&self) -> Self::Encoding;

    /// Reports what is wrong with the settings that are its own.
    fn check(&self, _findings: &mut Findings) {}
}

/// The settings that both sinks share. Their meaning stands in [`S3ParquetConfig`](crate::S3ParquetConfig).
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "documented in the configs")]
pub struct Settings {
    pub url: String,
    pub partition_by: Vec<String>,
    pub metadata: MetadataColumns,
    pub max_partitions: usize,
    pub multipart_above: ByteSize,
    pub timeout: HumanDuration,
    pub objects: ObjectSettings,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub path_style: bool,
    pub allow_http: bool,
    pub profile: Option<String>,
    pub access_key_id: Option<Secret>,
    pub secret_access_key: Option<Secret>,
    pub session_token: Option<Secret>,
}

/// The names of columns that hold what the topic says of a record. What has no name is not written.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetadataColumns {
    /// The column for the topic's name: string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,

    /// The column for the partition's number: int.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,

    /// The column for the record's offset: bigint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,

    /// The column for the record's timestamp on the topic: timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,

    /// The column for the record's key as text, null if it has none: string. A key that is not UTF-8 is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

pub(crate) fn default_max_partitions() -> usize {
    1000
}

pub(crate) fn default_multipart_above() -> ByteSize {
    ByteSize::mib(64)
}

/// Longer than a store thinks about anything. What a request carries has its time beside this.
pub(crate) fn default_timeout() -> HumanDuration {
    HumanDuration::seconds(60)
}

pub(crate) fn default_path_style() -> bool {
    true
}

/// What S3 takes in one request.
const MULTIPART_ABOVE: std::ops::RangeInclusive<ByteSize> = ByteSize::mib(5)..=ByteSize::mib(5 * 1024);

impl Settings {
    /// Reports what is wrong, but for the columns (see [`Layout`](crate::layout::Layout)).
    pub(crate) fn check(&self, findings: &mut Findings) {
        match Location::parse(&self.url, std::path::Path::new("/")) {
            Err(message) => findings.error("/url", message),
            Ok(Location::Folder(_)) => self.check_unused(findings),
            Ok(Location::Bucket { .. }) => {}
        }
        if self.max_partitions == 0 {
            findings.error("/max_partitions", "at least 1 file must be open to write anything, such as 1000");
        }
        self.objects.check(findings);
        self.check_region(findings);
        if !MULTIPART_ABOVE.contains(&self.multipart_above) {
            let message =
                format!("`{}` is outside what S3 takes in one request, expected 5MiB to 5GiB", self.multipart_above);
            findings.error("/multipart_above", message);
        }
        self.check_endpoint(findings);
        self.check_credentials(findings);
    }

    fn check_unused(&self, findings: &mut Findings) {
        let given = [
            ("endpoint", self.endpoint.is_some()),
            ("objects", self.objects.is_given()),
            ("region", self.region.is_some()),
            ("profile", self.profile.is_some()),
            ("access_key_id", self.access_key_id.is_some()),
            ("secret_access_key", self.secret_access_key.is_some()),
            ("session_token", self.session_token.is_some()),
        ];
        for (name, _) in given.into_iter().filter(|(_, given)| *given) {
            findings
                .warning(format!("/{name}"), format!("`{name}` has no effect: `url` is a local folder, not s3://…"));
        }
    }

    fn check_region(&self, findings: &mut Findings) {
        let Some(region) = &self.region else { return };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if region.is_empty() || !region.chars().all(named) {
            findings.error("/region", format!("`{region}` is no region, expected one such as eu-central-1"));
        }
    }

    fn check_endpoint(&self, findings: &mut Findings) {
        let Some(endpoint) = &self.endpoint else { return };
        let advice = "expected the URL of an S3 server without a path, such as https://minio.example.com:9000";
        let parsed = Url::parse(endpoint);
        // Passwords may hold what makes a text no URL.
        if parsed.as_ref().map_or(endpoint.contains('@'), has_credentials) {
            return findings.error(
                "/endpoint",
                "the endpoint holds credentials, which logs would show: use access_key_id and secret_access_key",
            );
        }
        let Ok(url) = parsed else {
            return findings.error("/endpoint", format!("`{endpoint}` is no URL, {advice}"));
        };
        if !matches!(url.scheme(), "http" | "https") || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return findings.error("/endpoint", format!("`{endpoint}` is no endpoint, {advice}"));
        }
        if url.scheme() == "http" && !self.allow_http && !is_loopback(&url) {
            let advice = "use https, or set allow_http: true if the network between is yours";
            findings.error("/endpoint", format!("`{endpoint}` would send records unencrypted, {advice}"));
        }
    }

    fn check_credentials(&self, findings: &mut Findings) {
        if self.profile.is_some() && self.access_key_id.is_some() {
            findings.error("/profile", "both a profile and an access key: leave one of them out");
        }
        match (&self.access_key_id, &self.secret_access_key) {
            (Some(_), None) => {
                findings.error(
                    "/access_key_id",
                    "secret_access_key is missing: give both, or neither to use the environment's",
                );
            }
            (None, Some(_)) => {
                findings.error(
                    "/secret_access_key",
                    "access_key_id is missing: give both, or neither to use the environment's",
                );
            }
            (None, None) if self.session_token.is_some() => {
                findings.error(
                    "/session_token",
                    "a token needs the access_key_id and secret_access_key that it was made with",
                );
            }
            _ => {}
        }
    }
}
