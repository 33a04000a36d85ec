//! Processes of one file that are killed, stopped and started at random.

use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::rows::{self, Row, assert_exactly};
use crate::support::{Project, Started, becomes_true};

use super::{AT_ONCE, assert_committed, text};

/// How many schedules there are: `PIPELINE_TEST_SCHEDULES=1000 cargo test --test program schedules`.
const SCHEDULES_VARIABLE: &str = "PIPELINE_TEST_SCHEDULES";
const SCHEDULES: u64 = 100;
/// So many run side by side. They wait most of the time.
const SIDE_BY_SIDE: u64 = 8;

const ROWS: usize = 6000;

fn untouched() -> Vec<Row> {
    let project = Project::new(&text());
    project.run(&[AT_ONCE]).with_code(0);
    let rows = rows::parquet(&project, "out");
    assert_eq!(rows.len(), ROWS);
    rows
}

/// What happens to one of the processes.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is killed, and another one starts in its place.
    Kill,
    /// It stands still for longer than its session lasts.
    Pause,
    /// It stands still for a moment.
    Hiccup,
    /// It is asked to stop, and another one starts in its place.
    Interrupt,
}

impl Fault {
    fn any(chance: &mut StdRng) -> Self {
        match chance.random_range(0..10) {
            0..4 => Self::Kill,
            4..7 => Self::Pause,
            7..9 => Self::Hiccup,
            _ => Self::Interrupt,
        }
    }

    fn strike(self, process: &mut Started, project: &Project, chance: &mut StdRng) {
        let start = || Started::new(project.runner(&[]));
        match self {
            Self::Kill => {
                process.kill();
                *process = start();
            }
            Self::Interrupt => {
                process.signal("INT");
                *process = start();
            }
            Self::Pause | Self::Hiccup => {
                let millis = if matches!(self, Self::Pause) { 1600..2500 } else { 50..900 };
                process.signal("STOP");
                thread::sleep(Duration::from_millis(chance.random_range(millis)));
                process.signal("CONT");
            }
        }
    }
}

/// Runs two or three processes of one file, strikes them, and lets them end.
fn survives(seed: u64, expected: &[Row]) {
    let mut chance = StdRng::seed_from_u64(seed);
    let project = Project::new(&text()).on_kafka();
    let count = chance.random_range(2..=3);
    let mut processes: Vec<Started> = (0..count).map(|_| Started::new(project.runner(&[]))).collect();
    let mut struck = Vec::new();
    for _ in 0..chance.random_range(2..=5) {
        thread::sleep(Duration::from_millis(chance.random_range(50..900)));
        let which = chance.random_range(0..processes.len());
        let fault = Fault::any(&mut chance);
        struck.push((which, fault));
        if !processes[which].has_ended() {
            fault.strike(&mut processes[which], &project, &mut chance);
        }
    }
    for process in processes {
        let ended = process.end();
        assert_eq!(ended.status.code(), Some(0), "seed {seed}, {struck:?}: {}\n{}", ended.out, ended.err);
    }
    // Who is killed as the last one leaves the rest to the next run.
    project.run(&[AT_ONCE]).with_code(0);
    assert!(becomes_true(|| project.topic().is_drained("parquet")), "seed {seed}, {struck:?}");
    assert_exactly(&rows::parquet(&project, "out"), expected, &format!("seed {seed}, {struck:?}"));
    assert_committed(&project, "out", "parquet");
}

#[test]
fn schedules_of_kills_and_pauses_among_several_processes_lose_and_double_nothing() {
    let schedules = std::env::var(SCHEDULES_VARIABLE).map_or(SCHEDULES, |schedules| schedules.parse().unwrap());
    let expected = untouched();
    thread::scope(|scope| {
        for first in 0..SIDE_BY_SIDE {
            let expected = &expected;
            scope.spawn(move || {
                (first..schedules).step_by(SIDE_BY_SIDE as usize).for_each(|seed| survives(seed, expected));
            });
        }
    });
}
