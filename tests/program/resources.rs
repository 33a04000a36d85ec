//! What a run uses: memory under a slow store and many open files, threads and files over time, disk under a slow sink.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::support::{Project, becomes_true, wait};

const MIB: u64 = 1 << 20;

/// Generated prices in Parquet files by symbol.
const LAKE: &str = "\
name: lake
sources:
  - type: ticks
    config: { symbols: 1000, rows: 2000 }
topic:
  name: lake
  schema:
    { symbol: string, event_time: timestamp, open: double, high: double, low: double, close: double, volume: bigint,
      trades: bigint, vwap: double }
sinks:
  - name: files
    type: s3_parquet
    config: { url: out, partition_by: [symbol] }
    flush: { every: 1h, memory: 16MiB }
";

type Objects = Arc<Mutex<BTreeMap<String, usize>>>;

/// A server that takes objects, and answers when it has let some time pass.
struct SlowStore {
    address: SocketAddr,
    /// The size of each object.
    objects: Objects,
}

impl SlowStore {
    fn start(pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let store = Self { address: listener.local_addr().unwrap(), objects: Arc::default() };
        let objects = Arc::clone(&store.objects);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let objects = Arc::clone(&objects);
                thread::spawn(move || serve(stream, pause, &objects));
            }
        });
        store
    }

    /// What makes a pipeline write there.
    fn sets(&self) -> [String; 4] {
        [
            "url=s3://lake/out".into(),
            format!("endpoint=http://{}", self.address),
            "access_key_id=id".into(),
            "secret_access_key=key".into(),
        ]
        .map(|set: String| format!("sinks.0.config.{set}"))
    }

    fn count(&self) -> usize {
        self.objects.lock().unwrap().len()
    }
}

/// Takes the requests of one connection until its end.
fn serve(mut stream: TcpStream, pause: Duration, objects: &Objects) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(key) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        thread::sleep(pause);
        objects.lock().unwrap().insert(key.to_owned(), body.len());
        if stream.write_all(b"HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// A process, and the most memory that it has used.
struct Watched {
    child: Child,
    peak: u64,
}

impl Watched {
    /// Starts it. What it says goes into the file `log`.
    fn start(mut command: Command, project: &Project) -> Self {
        let log = fs::File::create(project.path("log")).unwrap();
        Self { child: command.stdout(Stdio::null()).stderr(log).spawn().unwrap(), peak: 0 }
    }

    /// A number of its status, in bytes if it is one of memory; `None` after its end.
    fn status(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let number: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        Some(if line.ends_with("kB") { number * 1024 } else { number })
    }

    /// Waits for its end, looking at it all the time. The exit code.
    fn end(&mut self, mut look: impl FnMut()) -> i32 {
        becomes_true(|| {
            self.peak = self.status("VmHWM").unwrap_or(0).max(self.peak);
            look();
            self.child.try_wait().unwrap().is_some()
        });
        wait(&mut self.child).code().unwrap()
    }
}

/// The most that a process has had at once.
#[derive(Debug, Default)]
struct Most {
    threads: u64,
    files: usize,
    memory: u64,
}

impl Watched {
    /// Looks at it until something holds.
    fn most_until(&mut self, mut holds: impl FnMut() -> bool) -> Most {
        let mut most = Most::default();
        let reached = becomes_true(|| {
            most.threads = self.status("Threads").unwrap().max(most.threads);
            most.memory = self.status("VmRSS").expect("it still runs").max(most.memory);
            let files = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count();
            most.files = files.max(most.files);
            holds()
        });
        assert!(reached, "it is stuck with {most:?}");
        most
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a run with these values into a slow store ended.
struct Outcome {
    code: i32,
    log: String,
    objects: usize,
    /// The most memory that the process has used.
    peak: u64,
    /// The largest that the broker's store has been.
    stored: u64,
}

fn run(text: &str, pause: Duration, sets: &[&str]) -> Outcome {
    let (project, store) = (Project::new(text), SlowStore::start(pause));
    let all = store.sets();
    let all: Vec<&str> = all.iter().map(String::as_str).chain(sets.iter().copied()).collect();
    let mut watched = Watched::start(project.runner(&all), &project);
    let mut stored = 0;
    let code = watched.end(|| stored = stored_bytes(&project).max(stored));
    let outcome = Outcome { code, log: project.read("log"), objects: store.count(), peak: watched.peak, stored };
    let Outcome { code, objects, peak, log, .. } = &outcome;
    eprintln!(
        "{sets:?}: code {code}, {objects} objects, peak {} KiB, stored {} KiB\n{log}",
        peak / 1024,
        stored / 1024
    );
    outcome
}

fn stored_bytes(project: &Project) -> u64 {
    project.files(".pipeline").iter().filter_map(|file| fs::metadata(file).ok()).map(|found| found.len()).sum()
}

/// What the program takes beyond a sink's budget, above what it takes for next to no rows: a transaction of the source, a
/// batch of 8192 rows and its copy by partitions, the requests under way.
const BESIDE: u64 = 48 * MIB;

#[test]
fn memory_stays_within_the_budget_of_a_file_with_1000_open_partitions_and_a_slow_store() {
    // A row takes two kilobytes in the sink, and next to nothing before it.
    let wide = format!(
        "    transforms:\n      - type: insert_field\n        config: {{ fields: {{ text: {{ value: {} }} }} }}\n",
        "x".repeat(2048)
    );
    let text = LAKE.replace("    flush:", &format!("{wide}    flush:"));
    let pause = Duration::from_millis(2);
    let idle = run(&text, pause, &[]);
    let many = ["sources.0.config.rows=60000", "sinks.0.flush.bytes=1GiB"];
    let bounded = run(&text, pause, &[many[0], many[1], "sinks.0.flush.memory=32MiB"]);
    let unbounded = run(&text, pause, &[many[0], many[1], "sinks.0.flush.memory=1GiB"]);
    assert_eq!((idle.code, bounded.code, unbounded.code), (0, 0, 0));
    assert_eq!((idle.objects, unbounded.objects), (1000, 1000));
    assert!(bounded.objects >= 2000, "{} objects in few flushes", bounded.objects);
    let limit = idle.peak + 32 * MIB + BESIDE;
    assert!(bounded.peak <= limit, "{} MiB", bounded.peak / MIB);
    assert!(unbounded.peak > limit, "this test would not see it: {} MiB", unbounded.peak / MIB);
}

#[test]
fn ten_thousand_partitions_are_refused_with_the_way_out_or_written_within_the_budget() {
    let many = ["sources.0.config.symbols=10000", "sources.0.config.rows=10000"];
    let refused = run(LAKE, Duration::ZERO, &many);
    assert_eq!((refused.code, refused.objects), (1, 0));
    assert!(refused.log.contains("max_partitions allows 1000: partition by a column with fewer values"));
    let allowed = run(LAKE, Duration::ZERO, &[many[0], many[1], "sinks.0.config.max_partitions=10000"]);
    assert_eq!(allowed.code, 0);
    assert!(allowed.objects >= 10_000, "{} objects", allowed.objects);
    let peak = refused.peak.max(allowed.peak);
    assert!(peak <= run(LAKE, Duration::ZERO, &[]).peak + 16 * MIB + BESIDE, "{} MiB", peak / MIB);
}

#[test]
fn a_source_that_is_faster_than_the_sink_is_held_back_by_the_brokers_retention() {
    let slow = ["sources.0.config.rows=60000", "sources.0.config.symbols=1", "sinks.0.flush.memory=1MiB"];
    let pause = Duration::from_millis(200);
    let held_back = run(LAKE, pause, &[slow[0], slow[1], slow[2], "embedded.retention=1MiB"]);
    let free = run(LAKE, pause, &slow);
    assert_eq!((held_back.code, free.code), (0, 0));
    assert!(held_back.stored <= 3 * MIB, "{} KiB", held_back.stored / 1024);
    assert!(free.stored > 4 * MIB, "this test would not see it: {} KiB", free.stored / 1024);
    assert!(held_back.peak <= free.peak + 16 * MIB, "{} MiB", held_back.peak / MIB);
}

/// How many flushes of two files each the last test looks at. `PIPELINE_TEST_FLUSHES=10000` takes about ten minutes.
fn flushes() -> usize {
    std::env::var("PIPELINE_TEST_FLUSHES").map_or(60, |flushes| flushes.parse().unwrap())
}

#[test]
fn threads_files_and_memory_are_constant_over_many_flushes() {
    let sets = ["sources.0.config.symbols=2", "sources.0.config.rows=100000000", "sources.0.config.rate=1000"];
    let project = Project::new(LAKE);
    let mut run = Watched::start(project.runner(&[sets[0], sets[1], sets[2], "sinks.0.flush.every=50ms"]), &project);
    let early = run.most_until(|| project.files("out").len() >= 60);
    let mut late = Most::default();
    for files in (80..=2 * flushes()).step_by(20) {
        late = run.most_until(|| project.files("out").len() >= files);
    }
    eprintln!("{early:?}, then {late:?}");
    assert!(late.threads <= early.threads + 4, "{early:?}, then {late:?}");
    assert!(late.files <= early.files + 4, "{early:?}, then {late:?}");
    assert!(late.memory <= early.memory + 16 * MIB, "{early:?}, then {late:?}");
}
