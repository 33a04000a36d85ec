//! An S3 server that people run for real.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::environment::{endpoint, program, variables};
use super::filer;
use super::http::answers;
use crate::process::{Keeper, Server, free};

/// Where the parts of a server listen.
#[derive(Debug)]
struct Ports {
    master: [u16; 2],
    volume: [u16; 2],
    filer: [u16; 2],
    s3: [u16; 2],
}

/// A SeaweedFS: master, volume server, filer and S3 gateway in one process. It ends when it is dropped, and its files go
/// with it.
///
/// It knows one user. A bucket that was not made is not there. Whatever takes `&mut self` is not to be had of a
/// [shared](Self::shared) one.
#[derive(Debug)]
pub struct SeaweedServer(Server<Ports>);

impl SeaweedServer {
    /// The access key that it knows.
    pub const ACCESS_KEY_ID: &str = "testkit";
    /// The secret that belongs to it.
    pub const SECRET_ACCESS_KEY: &str = "testkit-secret";

    /// The server of this process, for tests that leave each other alone by the names of buckets. It ends with the
    /// process.
    ///
    /// Panics as [`start`](Self::start) does.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<SeaweedServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server and waits until it serves, about three seconds.
    ///
    /// Panics with the end of its log if it does not, or with what is missing on this machine.
    pub fn start() -> Self {
        let weed = program("weed");
        let keep = |ports: &Ports| Keeper::new("seaweed", |folder| command(&weed, folder, ports));
        Self(Server::start("SeaweedFS", Ports::free, keep, serves))
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        endpoint(self.0.ports.s3[0])
    }

    /// What a process needs in its environment to work with it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        variables(self.endpoint(), Self::ACCESS_KEY_ID, Self::SECRET_ACCESS_KEY)
    }

    /// Makes an empty bucket.
    ///
    /// Panics if there is one of that name, or if the server does not make it.
    pub fn bucket(&self, name: &str) {
        let filer = self.filer();
        if let Err(answer) = filer::make_bucket(filer, name) {
            panic!("SeaweedFS makes no bucket {name}: {answer}");
        }
        // The first object of a bucket may wait for a volume.
        assert!(filer::is_writable(filer, Some(name)), "SeaweedFS writes nothing into bucket {name}");
    }

    /// All objects of a bucket by their keys, read past S3: without the client that wrote them.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, Vec<u8>> {
        filer::objects(self.filer(), bucket)
    }

    /// The keys of the uploads in parts that are neither completed nor aborted, sorted. Read past S3 as well.
    pub fn open_uploads(&self, bucket: &str) -> Vec<String> {
        filer::open_uploads(self.filer(), bucket)
    }

    /// What was said of an object when it was put, read past S3: `x-amz-meta-…`, `x-amz-tagging-…`, by names in small letters.
    pub fn said_of(&self, bucket: &str, key: &str) -> BTreeMap<String, String> {
        filer::said_of(self.filer(), bucket, key)
    }

    fn filer(&self) -> u16 {
        self.0.ports.filer[0]
    }

    /// Ends the server by `SIGKILL`, and returns when it is gone.
    pub fn kill(&mut self) {
        self.0.keeper.kill();
    }

    /// Starts it again after [`kill`](Self::kill), with the same files and ports, and waits until it serves.
    ///
    /// Panics with the end of its log if it does not come up.
    pub fn restart(&mut self) {
        self.0.restart("SeaweedFS", serves);
    }

    /// Stops the server in its tracks by `SIGSTOP`, and returns when it stands still.
    pub fn pause(&mut self) {
        self.0.keeper.pause();
    }

    /// Lets it go on after [`pause`](Self::pause), by `SIGCONT`.
    pub fn resume(&mut self) {
        self.0.keeper.resume();
    }

    /// The process that is the server.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// The folder with all that it has. Objects are not files of their own.
    pub fn data(&self) -> &Path {
        self.0.keeper.folder()
    }
}

impl Ports {
    fn free() -> Self {
        let [a, b, c, d, e, f, g, h] = free();
        Self { master: [a, b], volume: [c, d], filer: [e, f], s3: [g, h] }
    }
}

fn command(weed: &Path, folder: &Path, ports: &Ports) -> Command {
    let users = folder.join("users.json");
    fs::write(&users, users_json()).expect("a file in a new folder");
    // It leaves these sockets behind, which cannot be put elsewhere.
    let sockets = [("master", ports.master), ("volume", ports.volume), ("filer", ports.filer), ("s3", ports.s3)];
    let sockets = sockets.map(|(part, [_, grpc])| format!("/tmp/seaweedfs-{part}-grpc-{grpc}.sock\n"));
    fs::write(folder.join("litter"), sockets.concat()).expect("a file in a new folder");

    let mut server = Command::new(weed);
    server.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-master.telemetry=false"]);
    server.arg(format!("-dir={}", folder.display()));
    for (part, [http, grpc]) in
        [("master", ports.master), ("volume", ports.volume), ("filer", ports.filer), ("s3", ports.s3)]
    {
        server.arg(format!("-{part}.port={http}")).arg(format!("-{part}.port.grpc={grpc}"));
    }
    for part in ["filer", "s3"] {
        server.arg(format!("-{part}.localSocket={}", folder.join(part).with_extension("sock").display()));
    }
    server.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"]);
    server.arg(format!("-s3.config={}", users.display()));
    // A master alone need not wait long for others, nor look for what it knew before it was killed: the volume server tells.
    server.args(["-master.electionTimeout=1s", "-master.resumeState=false"]);
    // Each bucket has volumes of its own; the first object would make seven. Puts wait for a second while a full one is followed.
    server.args(["-volume.max=1000", "-master.volumeSizeLimitMB=1024"]);
    server.env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1").env("TMPDIR", folder);
    server
}

fn users_json() -> String {
    let (id, secret) = (SeaweedServer::ACCESS_KEY_ID, SeaweedServer::SECRET_ACCESS_KEY);
    format!(
        r#"{{"identities": [{{"name": "{id}", "actions": ["Admin"], "credentials": [{{"accessKey": "{id}", "secretKey": "{secret}"}}]}}]}}"#
    )
}

/// Whether objects are stored, and whether the gateway sends strangers away.
fn serves(ports: &Ports) -> bool {
    filer::is_writable(ports.filer[0], None) && answers(ports.s3[0], "GET", "/", 403)
}
