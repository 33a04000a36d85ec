//! The API of AWS without what is behind it.

use std::process::Command;
use std::sync::OnceLock;

use super::environment::{endpoint, program, variables};
use super::http::answers;
use crate::process::{Keeper, Server, free};

/// A `moto`: the API of Glue, Athena and many other services, in memory. It ends when it is dropped.
///
/// It takes any credentials. The header `x-moto-account-id` names the account, which need not be there before.
#[derive(Debug)]
pub struct MotoServer(Server<u16>);

impl MotoServer {
    /// The server of this process, for tests that leave each other alone by the names of what they make. It ends with
    /// the process.
    ///
    /// Panics as [`start`](Self::start) does.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MotoServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server and waits until it serves, about a second.
    ///
    /// Panics with the end of its log if it does not, or with what is missing on this machine.
    pub fn start() -> Self {
        Self::start_on(|| free::<1>()[0])
    }

    fn start_on(ports: impl FnMut() -> u16) -> Self {
        let moto = program("moto_server");
        let keep = |port: &u16| {
            Keeper::new("moto", |folder| {
                let mut server = Command::new(&moto);
                server.args(["-H", "127.0.0.1", "-p", &port.to_string()]).env("TMPDIR", folder);
                server
            })
        };
        Self(Server::start("moto", ports, keep, |port| answers(*port, "GET", "/moto-api/data.json", 200)))
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        endpoint(self.0.ports)
    }

    /// What a process needs in its environment to work with it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        variables(self.endpoint(), "testkit", "testkit-secret")
    }

    pub(super) fn port(&self) -> u16 {
        self.0.ports
    }

    /// The process that is the server.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_port_that_somebody_else_was_quicker_to_take_is_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut lost = Some(taken.local_addr().unwrap().port());
        let server = MotoServer::start_on(|| lost.take().unwrap_or_else(|| free::<1>()[0]));
        assert_ne!(server.endpoint(), format!("http://{}", taken.local_addr().unwrap()));
    }
}
