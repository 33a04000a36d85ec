//! One token of AWS's IAM: a signed request to connect, which the broker sends on to AWS.
//!
//! Source: the README of AWS's own client, <https://github.com/aws/aws-msk-iam-auth>, and what its signers for other languages
//! make: a presigned URL, in base64 for URLs without padding.

use std::iter;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pipeline_api::{Error, Result};
use pipeline_aws::Credentials;
use url::Url;

/// The longest that AWS takes.
const VALID: Duration = Duration::from_secs(900);

const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A client's right to come in.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) valid_until: SystemTime,
}

impl Token {
    /// Signed for a region, from `now` on.
    ///
    /// Errors: [`Config`](pipeline_api::ErrorKind::Config) if the region makes no address, or the credentials sign nothing.
    pub(super) fn sign(region: &str, credentials: Credentials, now: SystemTime) -> Result<Self> {
        let failed = |error: String| Error::config("no token can be signed for MSK").with_source(error);
        let mut url = Url::parse(&format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect"))
            .map_err(|error| failed(error.to_string()))?;
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(VALID);
        let identity = credentials.into();
        let signing = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("kafka-cluster")
            .time(now)
            .settings(settings)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let request = SignableRequest::new("GET", url.as_str(), iter::empty(), SignableBody::Bytes(&[]))
            .map_err(|error| failed(error.to_string()))?;
        let (signed, _) = sign(request, &signing.into()).map_err(|error| failed(error.to_string()))?.into_parts();
        url.query_pairs_mut().extend_pairs(signed.params()).append_pair("User-Agent", AGENT);
        Ok(Self { text: BASE64_URL_SAFE_NO_PAD.encode(url.as_str()), valid_until: now + VALID })
    }

    /// In milliseconds since 1970 UTC.
    pub(super) fn valid_until_millis(&self) -> i64 {
        let end = self.valid_until.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(end.as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The signature was made by botocore 1.43 (`SigV4QueryAuth`), which shares no code with this.
    #[test]
    fn a_token_is_the_request_that_aws_expects() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let credentials = Credentials::new("AKIDEXAMPLE", "never/shown+", Some("a/token+=".into()), None, "test");
        let token = Token::sign("eu-central-1", credentials, now).unwrap();
        assert_eq!(token.valid_until_millis(), 1_700_000_900_000);
        let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token.text).unwrap()).unwrap();
        let (place, query) = url.split_once('?').unwrap();
        assert_eq!(place, "https://kafka.eu-central-1.amazonaws.com/");
        let mut fields: Vec<&str> = query.split('&').collect();
        fields.sort_unstable();
        let agent = format!("User-Agent=pipeline-kafka%2F{}", env!("CARGO_PKG_VERSION"));
        let expected = [
            "Action=kafka-cluster%3AConnect",
            &agent,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F20231114%2Feu-central-1%2Fkafka-cluster%2Faws4_request",
            "X-Amz-Date=20231114T221320Z",
            "X-Amz-Expires=900",
            "X-Amz-Security-Token=a%2Ftoken%2B%3D",
            "X-Amz-Signature=d63aa5d206b98224a6ede61f572da89e551219426811d24f71d114236ca86f05",
            "X-Amz-SignedHeaders=host",
        ];
        assert_eq!(fields, expected);
    }
}
