//! Where the servers are, and what a client needs.

use std::path::PathBuf;
use std::sync::OnceLock;

const REQUIREMENTS: &str = include_str!("../../../../.ci/requirements-aws.txt");

/// A program of the environment with the servers, which is made if it is missing, however long that takes.
pub(super) fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| crate::python::environment("aws", REQUIREMENTS)).join("bin").join(name)
}

/// What a process needs in its environment to work with the server at an endpoint.
pub(super) fn variables(endpoint: String, id: &str, secret: &str) -> [(&'static str, String); 4] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", id.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
    ]
}

pub(super) fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
