//! Errors as AWS answers them.

use hyper::StatusCode;
use serde_json::json;

use crate::door::{Answer, answer};

/// An error as APIs that speak JSON answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The name of the error.
    pub code: &'static str,
}

impl Refusal {
    /// 400: try again, more slowly.
    pub const THROTTLING: Self = Self { status: 400, code: "ThrottlingException" };
    /// 400: the same in Athena's words.
    pub const TOO_MANY_REQUESTS: Self = Self { status: 400, code: "TooManyRequestsException" };
    /// 500: try again, Glue.
    pub const INTERNAL_SERVICE: Self = Self { status: 500, code: "InternalServiceException" };
    /// 500: try again, Athena.
    pub const INTERNAL_SERVER: Self = Self { status: 500, code: "InternalServerException" };
    /// 503: try again.
    pub const SERVICE_UNAVAILABLE: Self = Self { status: 503, code: "ServiceUnavailableException" };
    /// 400: it took Glue too long.
    pub const OPERATION_TIMEOUT: Self = Self { status: 400, code: "OperationTimeoutException" };
    /// 400: somebody else changes the same.
    pub const CONCURRENT_MODIFICATION: Self = Self { status: 400, code: "ConcurrentModificationException" };
    /// 400: these credentials may not do this.
    pub const ACCESS_DENIED: Self = Self { status: 400, code: "AccessDeniedException" };
    /// 400: the session token has had its time.
    pub const EXPIRED_TOKEN: Self = Self { status: 400, code: "ExpiredTokenException" };
    /// 400: there is no such access key.
    pub const UNRECOGNIZED_CLIENT: Self = Self { status: 400, code: "UnrecognizedClientException" };
    /// 400: there are too many tables, versions or partitions.
    pub const RESOURCE_LIMIT: Self = Self { status: 400, code: "ResourceNumberLimitExceededException" };

    pub(super) fn answer(self, message: &str) -> Answer {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer(status, json!({ "__type": self.code, "Message": message }).to_string())
    }
}
