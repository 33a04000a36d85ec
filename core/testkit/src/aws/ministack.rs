//! An Athena that runs queries.

use std::process::Command;
use std::sync::OnceLock;

use super::environment::{endpoint, program, variables};
use super::http::answers;
use crate::process::{Keeper, Server, free};

/// A `MiniStack`: Glue, S3 and Athena in one, in memory. Queries run in DuckDB over its own S3, so a bad one fails with a
/// reason and a good one has rows. It ends when it is dropped.
///
/// It takes any credentials. It does not know whether a partition was registered, nor Trino's functions.
#[derive(Debug)]
pub struct MinistackServer(Server<u16>);

impl MinistackServer {
    /// The server of this process, for tests that leave each other alone by the names of what they make. It ends with
    /// the process.
    ///
    /// Panics as [`start`](Self::start) does.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MinistackServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server and waits until it serves, less than a second.
    ///
    /// Panics with the end of its log if it does not, or with what is missing on this machine.
    pub fn start() -> Self {
        let ministack = program("ministack");
        let keep = |port: &u16| {
            Keeper::new("ministack", |folder| {
                let mut server = Command::new(&ministack);
                server.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
                // It would go on without an engine, and answer every query with nothing.
                server.env("ATHENA_ENGINE", "duckdb");
                // Other ports that it would open.
                server.env("SFTP_ENABLED", "0").env("IOT_MTLS_ENABLED", "0");
                server.env("S3_DATA_DIR", folder.join("s3")).env("STATE_DIR", folder.join("state"));
                server.env("TMPDIR", folder);
                server
            })
        };
        let ports = || free::<1>()[0];
        Self(Server::start("MiniStack", ports, keep, |port| answers(*port, "GET", "/_ministack/ready", 200)))
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        endpoint(self.0.ports)
    }

    /// What a process needs in its environment to work with it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        variables(self.endpoint(), "testkit", "testkit-secret")
    }

    /// Makes an empty bucket.
    ///
    /// Panics if the server does not make it.
    pub fn bucket(&self, name: &str) {
        assert!(answers(self.0.ports, "PUT", &format!("/{name}"), 200), "MiniStack makes no bucket {name}");
    }

    pub(super) fn port(&self) -> u16 {
        self.0.ports
    }

    /// The process that is the server.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }
}
