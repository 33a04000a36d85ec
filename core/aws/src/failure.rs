//! What an error of a client means to the engine.

use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pipeline_api::{Error, ErrorKind};

/// Later it may work: too many calls, a server in trouble, two writers at once.
const PASSING: [&str; 12] = [
    "ConcurrentModificationException",
    "ConcurrentRunsExceededException",
    "InternalFailure",
    "InternalServerException",
    "InternalServiceException",
    "OperationTimeoutException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
];

/// Who calls is not let in, and what to do about it.
const REFUSED: [(&str, &str); 9] = [
    ("AccessDenied", "the policy of the caller lacks the permission that the answer names"),
    ("AccessDeniedException", "the policy of the caller lacks the permission that the answer names"),
    ("ExpiredToken", "the credentials have expired: get new ones and run again"),
    ("ExpiredTokenException", "the credentials have expired: get new ones and run again"),
    ("IncompleteSignature", "check the access key"),
    ("InvalidClientTokenId", "check access_key_id and session_token"),
    ("InvalidSignatureException", "check secret_access_key, and the clock of this machine"),
    ("SignatureDoesNotMatch", "check secret_access_key, and the clock of this machine"),
    ("UnrecognizedClientException", "check access_key_id and session_token"),
];

/// What to look at where nobody answers.
const WAY: &str = "check the network, and the region and the endpoint";

/// The error of a call: `context` says what was being done, in the words of an error.
pub fn failed<E>(context: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let failure = Failure::of(error);
    Error::new(failure.kind, context).with_source(failure.to_string())
}

/// What a call came to that gave no answer, or a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who must act.
    pub kind: ErrorKind,
    /// The name that AWS gives it: `EntityNotFoundException`. `None` if there was no answer.
    pub code: Option<String>,
    /// What AWS says, or why there was no answer.
    pub message: String,
}

impl Failure {
    /// What an error of a client means.
    pub fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(answered) => Self::refused(answered.err(), answered.raw().status().as_u16()),
            SdkError::TimeoutError(_) => Self::unanswered(ErrorKind::Retriable, format!("no answer in time; {WAY}")),
            other => {
                let causes = causes(other);
                match causes.iter().any(|cause| cause.contains("credentials") || cause.contains("identity")) {
                    true => {
                        Self::unanswered(ErrorKind::Config, no_credentials(causes.last().map_or("", String::as_str)))
                    }
                    false => Self::unanswered(ErrorKind::Retriable, format!("{}; {WAY}", causes.join(": "))),
                }
            }
        }
    }

    fn refused(error: &impl ProvideErrorMetadata, status: u16) -> Self {
        let code = error.code().unwrap_or_default().to_owned();
        let mut message = error.message().unwrap_or_default().to_owned();
        let refused = REFUSED.iter().find(|(name, _)| *name == code);
        let kind = match refused {
            Some((_, advice)) => {
                message = if message.is_empty() { (*advice).to_owned() } else { format!("{message}: {advice}") };
                ErrorKind::Config
            }
            None if PASSING.contains(&code.as_str()) || status >= 500 || status == 429 => ErrorKind::Retriable,
            None => ErrorKind::Fatal,
        };
        let code = if code.is_empty() { format!("HTTP status {status}") } else { code };
        Self { kind, code: Some(code), message }
    }

    fn unanswered(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, self.message.as_str()) {
            (None, message) => f.write_str(message),
            (Some(code), "") => f.write_str(code),
            (Some(code), message) => write!(f, "{code}: {message}"),
        }
    }
}

/// What to do where nobody is found to call as.
pub(crate) fn no_credentials(reason: &str) -> String {
    // Whoever was asked stands on a line of its own in it.
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "no credentials ({reason}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name them in the file"
    )
}

/// The texts of an error's causes, what was really wrong last. The client's own words say only that a request was not sent.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.dedup();
    texts
}
