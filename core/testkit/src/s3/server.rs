//! The server, as a test sees it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::desk::Desk;
use super::door::Door;
use super::request::{Action, Request};
use super::rule::Rule;
use super::uploads::{OpenUpload, open_uploads};

/// An S3 server with one bucket, [`BUCKET`](Self::BUCKET). It ends when it is dropped, and its files go with it.
#[derive(Debug)]
pub struct S3Server {
    folder: TempDir,
    address: SocketAddr,
    desk: Arc<Desk>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3Server {
    /// The bucket that is there.
    pub const BUCKET: &str = "lake";
    /// The access key that it knows.
    pub const ACCESS_KEY_ID: &str = "testkit";
    /// The secret that belongs to it.
    pub const SECRET_ACCESS_KEY: &str = "testkit-secret";

    /// Starts a server with an empty bucket, on a free port of this machine and a thread of its own.
    ///
    /// Errors: no port or no folder is to be had.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join(Self::BUCKET))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let desk = Arc::new(Desk::default());
        let door = Door::new(folder.path(), Arc::clone(&desk))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = door.serve(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { folder, address, desk, stop: Some(stop), thread: Some(thread) })
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a process needs in its environment to work with it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", Self::ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET_ACCESS_KEY.to_owned()),
        ]
    }

    /// The folder whose files are the bucket's objects: the path of each is its key.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(Self::BUCKET)
    }

    /// From now on faults meet the requests that the rule is about. Of several rules about one request the first counts.
    pub fn order(&self, rule: Rule) {
        self.desk.order(rule);
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.desk.heal();
    }

    /// All requests that have come in, in their order.
    pub fn requests(&self) -> Vec<Request> {
        self.desk.requests()
    }

    /// How many requests have asked for this.
    pub fn count(&self, action: Action) -> usize {
        self.requests().iter().filter(|request| request.action == action).count()
    }

    /// The uploads in parts that are neither completed nor aborted.
    ///
    /// Errors: the folder cannot be read.
    pub fn open_uploads(&self) -> io::Result<Vec<OpenUpload>> {
        open_uploads(self.folder.path())
    }

    /// Waits until everybody has hung up and all is done that was asked for. After the death of a client nothing of what
    /// it had sent comes later. Blocks: a client in the same process needs another thread to hang up.
    ///
    /// Errors: somebody stays for more than half a minute.
    pub fn wait_until_idle(&self) -> io::Result<()> {
        // Connections are taken in their order: once this one was, those of the dead have been.
        let mut probe = TcpStream::connect(self.address)?;
        probe.write_all(b"\r\n\r\nnone\r\n\r\n")?;
        probe.read_to_end(&mut Vec::new())?;
        match self.desk.becomes_idle() {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::TimedOut, "somebody is still connected to the S3 server")),
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and a panic in it has been shown.
            let _ = thread.join();
        }
    }
}
