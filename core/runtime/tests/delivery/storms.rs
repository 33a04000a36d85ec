//! Everything at once: calls that fail, tasks that are fenced, members that come and go, runs that are killed.
#![allow(clippy::print_stdout, reason = "the last seed that a failed test shows is the guilty one")]

use std::time::Duration;

use pipeline_runtime::broker::{Broker, Consumer, Polled};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::time::{sleep, timeout};

use crate::state::{Call, FATAL, RETRIABLE, Step};
use crate::world::{DEAD_LETTERS, File, World};

const SEEDS: u64 = 60;
const ROWS: i64 = 300;

#[tokio::test(start_paused = true)]
async fn no_storm_loses_or_doubles_a_row() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut chance = StdRng::seed_from_u64(seed);
        let mut world = World::new(file(&mut chance));
        if seed % 2 == 0 {
            world.state.take_lines();
        }
        for _ in 0..chance.random_range(1..6) {
            brew(&world, &mut chance);
            world.file.tasks = Some(chance.random_range(1..4));
            live_through(&world, &mut chance).await;
        }
        brew_nothing(&world);
        world.run_to_its_end().await;
        world.assert_exactly_once(0..ROWS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_storm_over_a_file_that_changes_loses_or_doubles_a_row() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut chance = StdRng::seed_from_u64(1000 + seed);
        let mut world = World::new(File { tasks: Some(1), ..file(&mut chance) });
        for version in 2..chance.random_range(3..7) {
            brew(&world, &mut chance);
            live_through(&world, &mut chance).await;
            world.file.version = version;
        }
        brew_nothing(&world);
        world.run_to_its_end().await;
        world.assert_exactly_once(0..ROWS).await;
    }
}

fn file(chance: &mut StdRng) -> File {
    let flushes = ["{ rows: 7 }", "{ rows: 30 }", "{ every: 1s }", "{ idle: 200ms }", "{ memory: 4000 }", "{}"];
    let partitions = chance.random_range(1..5);
    let pause = *[0, 50, 300].choose(chance).unwrap();
    let errors = *["{ retry: { timeout: 10h } }", DEAD_LETTERS].choose(chance).unwrap();
    File { rows: Some(ROWS), pause, partitions, errors, flush: flushes.choose(chance).unwrap(), ..File::default() }
}

/// Tells every call what goes wrong with it.
fn brew(world: &World, chance: &mut StdRng) {
    for call in Call::ALL {
        let mut steps = Vec::new();
        for _ in 0..chance.random_range(0..30) {
            steps.push(match chance.random_range(0..100) {
                0..6 => RETRIABLE,
                6..8 if call == Call::GroupCommit => Step::Fence,
                8..14 if matches!(call, Call::GroupCommit | Call::ProducerCommit) => Step::LoseAnswer,
                14 => FATAL,
                15 if !matches!(call, Call::GroupCommit | Call::ProducerCommit) => Step::Panic,
                _ => Step::Pass,
            });
        }
        world.state.script(call, steps);
    }
    world.state.slow_down(Duration::from_millis(*[0, 10, 500].choose(chance).unwrap()));
    world.state.slow_down_transactions(Duration::from_millis(*[0, 10, 500].choose(chance).unwrap()));
}

fn brew_nothing(world: &World) {
    for call in Call::ALL {
        world.state.always(call, Step::Pass);
    }
}

/// A run that ends in one way or another.
async fn live_through(world: &World, chance: &mut StdRng) {
    let running = world.start().await;
    let mut guest: Option<Box<dyn Consumer>> = None;
    for _ in 0..chance.random_range(0..8) {
        sleep(Duration::from_millis(chance.random_range(0..1500))).await;
        match guest.take() {
            Some(mut present) if chance.random_bool(0.7) => present.close().await.unwrap(),
            Some(present) => drop(present),
            None => guest = visit(world).await,
        }
    }
    drop(guest);
    match chance.random_range(0..4) {
        0 => running.kill().await,
        1 => {
            running.stop();
            let _ = running.end().await;
        }
        _ => {
            let _ = running.end().await;
        }
    }
}

/// Joins the sink's group for a while.
async fn visit(world: &World) -> Option<Box<dyn Consumer>> {
    let mut guest = world.broker.inner.consumer("p.lake", "t").await.ok()?;
    let assigned = async { while !matches!(guest.poll().await.unwrap(), Polled::Assigned(_)) {} };
    let _ = timeout(Duration::from_millis(700), assigned).await;
    Some(guest)
}
