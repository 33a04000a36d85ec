//! The server, as a test sees it.

use std::fs;
use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use super::request::{Action, Request, Target};
use super::rule::Rule;
use super::store::Store;
use super::uploads::{OpenUpload, open_uploads};
use crate::door::Door;

/// An S3 server with one bucket, [`BUCKET`](Self::BUCKET). It ends when it is dropped, and its files go with it.
#[derive(Debug)]
pub struct S3Server {
    // The door is shut before what is behind it goes.
    door: Door<Target>,
    folder: TempDir,
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
        let door = Door::open(Store::new(folder.path())?)?;
        Ok(Self { door, folder })
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        self.door.endpoint()
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
        self.door.order(rule);
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.door.heal();
    }

    /// All requests that have come in, in their order.
    pub fn requests(&self) -> Vec<Request> {
        let entered = self.door.requests().into_iter();
        entered.map(|(Target { action, key, .. }, fault)| Request { action, key, fault }).collect()
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
        self.door.wait_until_idle()
    }

    /// Waits until so many answers are [held back](crate::s3::Fault::HoldAnswer). Blocks.
    ///
    /// Errors: that takes more than half a minute.
    pub fn wait_until_held(&self, answers: usize) -> io::Result<()> {
        self.door.wait_until_held(answers)
    }

    /// Lets the answers go that are held back.
    pub fn release(&self) {
        self.door.release();
    }
}
