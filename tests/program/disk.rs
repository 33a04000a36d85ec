//! A file system of its own, that a test can fill up and make read-only.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::{Project, wrapped};

/// The folder of a project that lies on a disk of its own, as the program sees it. Nobody else does.
pub(crate) const ON_DISK: &str = "disk";
/// The same folder, as the test sees it.
pub(crate) const SEEN: &str = "seen";

/// A small file system in memory, mounted where only the processes that [`Disk::entering`] makes see it. It needs no
/// privileges but those that Linux gives to everybody in a namespace of his own.
pub(crate) struct Disk {
    holder: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    place: PathBuf,
    namespaces: &'static [&'static str],
}

const BYTES: u64 = 32 << 20;

/// Makes the disk, says that, and then does what it is told until nobody tells it more.
const HOLDER: &str = "\
mount -t tmpfs -o size=\"$2\" none \"$1\" || exit 1
echo done
while read -r order; do eval \"$order\" && echo done || echo failed; done";

impl Disk {
    /// A disk below a project. `None` if this machine lets nobody mount one: then it says so, and that other tests have to
    /// stand for this one.
    pub(crate) fn below(project: &Project) -> Option<Self> {
        let place = project.path("").canonicalize().unwrap().join(ON_DISK);
        fs::create_dir_all(&place).unwrap();
        let mut reasons = Vec::new();
        for namespaces in [&["--mount"][..], &["--user", "--mount"]] {
            match Self::mounted(&place, namespaces) {
                Ok(disk) => {
                    symlink(disk.seen(), project.path(SEEN)).unwrap();
                    return Some(disk);
                }
                Err(reason) => reasons.push(reason.trim().to_owned()),
            }
        }
        // Not `eprintln`, which is shown only where a test fails.
        let note = format!(
            "NOT TESTED on a real disk, because none can be mounted here ({}): limits on the size of files (prlimit) and \
             permissions stand for a full and a read-only disk, in store_faults.rs\n",
            reasons.join("; ")
        );
        io::stderr().write_all(note.as_bytes()).unwrap();
        None
    }

    fn mounted(place: &Path, namespaces: &'static [&'static str]) -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(namespaces);
        if namespaces.contains(&"--user") {
            command.arg("--map-root-user");
        }
        command.args(["sh", "-c", HOLDER, "sh"]).arg(place).arg(BYTES.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut holder = command.spawn().map_err(|error| format!("unshare: {error}"))?;
        let (orders, answers) = (holder.stdin.take().unwrap(), BufReader::new(holder.stdout.take().unwrap()));
        let mut disk = Self { holder, orders, answers, place: place.to_owned(), namespaces };
        if disk.answer() == "done" {
            return Ok(disk);
        }
        let mut reason = String::new();
        io::Read::read_to_string(&mut disk.holder.stderr.take().unwrap(), &mut reason).unwrap();
        Err(reason)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        assert_eq!(self.answer(), "done", "{order}");
    }

    /// The disk through the eyes of the process that holds it.
    fn seen(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.place.strip_prefix("/").unwrap())
    }

    fn ballast(&self) -> PathBuf {
        self.seen().join("ballast")
    }

    /// Leaves so much room and no more.
    pub(crate) fn fill_but(&self, bytes: u64) {
        let mut ballast = OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        let block = [0; 4096];
        loop {
            match ballast.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
        ballast.set_len(ballast.metadata().unwrap().len() - bytes).unwrap();
    }

    pub(crate) fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    pub(crate) fn make_read_only(&mut self) {
        let place = self.place.display().to_string();
        self.order(&format!("mount -o remount,bind,ro '{place}'"));
    }

    pub(crate) fn make_writable(&mut self) {
        let place = self.place.display().to_string();
        self.order(&format!("mount -o remount,bind,rw '{place}'"));
    }

    /// The command in a process that sees the disk.
    pub(crate) fn entering(&self, command: &Command) -> Command {
        let target = self.holder.id().to_string();
        let folder = command.get_current_dir().unwrap().to_str().unwrap();
        let mut prefix = vec!["nsenter", "--target", &target];
        prefix.extend(self.namespaces);
        if self.namespaces.contains(&"--user") {
            prefix.push("--preserve-credentials");
        }
        prefix.extend(["sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder]);
        wrapped(&prefix, command)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The disk goes with the last process that sees it.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
