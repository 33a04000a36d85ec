//! A clock that jumps.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ranges::assert_tiled;
use crate::rows::{self, assert_exactly};
use crate::support::{Project, Started, TICKS_TOPIC, becomes_true};

/// In place of the system's: ten times a second an hour forth, and an hour back. The clock that only counts stays as it is.
const JUMPING: &str = "\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*system)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, \"clock_gettime\");
    int failed = system(clock, now);
    if (!failed && clock == CLOCK_REALTIME) {
        now->tv_sec += now->tv_nsec / 50000000 % 2 ? 3600 : -3600;
    }
    return failed;
}
";

/// The library of such a clock. Whoever builds this program has a linker.
fn jumping_clock(project: &Project) -> PathBuf {
    project.write("clock.c", JUMPING);
    let library = project.path("clock.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(project.path("clock.c")).arg("-ldl");
    assert!(compiler.status().unwrap().success());
    library
}

const PIPELINE: &str = "\
name: ticks
sources:
  - type: ticks
    config: { rows: 30000, rate: 10000, symbols: 4 }
";

const SINK: &str = "\
sinks:
  - name: json
    type: s3_json
    tasks: 2
    config: { url: out/json, compression: none, partition_by: [hour(event_time)] }
    flush: { every: 200ms }
";

#[test]
fn a_clock_that_jumps_loses_and_doubles_nothing_and_holds_up_no_flush() {
    let text = format!("{PIPELINE}{TICKS_TOPIC}{SINK}");
    let project = Project::new(&text);
    let clock = jumping_clock(&project);
    let seconds = Command::new("date").arg("+%s").env("LD_PRELOAD", &clock).stderr(Stdio::inherit()).output().unwrap();
    let seconds: u64 = String::from_utf8(seconds.stdout).unwrap().trim().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(seconds) > 3000, "this clock does not jump");

    let run = |sets: &[&str]| {
        let mut command = project.runner(sets);
        command.env("LD_PRELOAD", &clock);
        Started::new(command)
    };
    let mut killed = run(&[]);
    // That takes five flushes of each partition, which an hour would not.
    assert!(becomes_true(|| project.files("out/json").len() >= 20));
    killed.kill();
    killed.end().with_kill();
    let flushed = project.files("out/json");
    run(&[]).end().with_code(0).saying("all delivered");
    // Flushes that had landed stay, whatever time it was.
    assert!(flushed.iter().all(|file| file.file_name().unwrap().to_str().unwrap().contains('#') || file.exists()));

    let untouched = Project::new(&text);
    untouched.run(&["sources.0.config.rate=1e9"]).with_code(0);
    assert_exactly(&rows::json(&project, "out/json"), &rows::json(&untouched, "out/json"), "with a clock that jumps");
    assert_tiled(&project, "out/json", ".pipeline/ticks", "ticks.json", "ticks");
}
