//! How runs end.

use std::time::Duration;

use pipeline_runtime::broker::Broker;
use pipeline_runtime::run::End;
use tokio::time::Instant;

use crate::state::{Call, Event, RETRIABLE, Step};
use crate::world::{File, Running, World, flushed_of_one, is_flush};

const PATIENT: &str = "{ retry: { timeout: 10h, pause: 1h, max_pause: 1h } }";

/// Asks for a stop, and expects it soon.
async fn stop_soon(running: Running) -> End {
    let asked = Instant::now();
    running.stop();
    let end = running.end().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());
    end
}

#[tokio::test(start_paused = true)]
async fn an_empty_source_ends_the_run() {
    for (partitions, tasks) in [(1, 1), (4, 2), (4, 4)] {
        let world = World::new(File { rows: Some(0), partitions, tasks: Some(tasks), ..File::default() });
        world.run_to_its_end().await;
        let events = world.state.events();
        assert!(!events.iter().any(|event| is_flush(event) || matches!(event, Event::Committed(_))), "{events:?}");
        assert_eq!(events.iter().filter(|event| **event == Event::HookAtEnd).count(), 1, "one task looks at the table");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_without_sinks_fills_the_topic_and_ends() {
    let world = World::new(File { tasks: None, ..File::default() });
    world.run_to_its_end().await;
    assert_eq!(world.broker.bounds("t").await.unwrap()[0].end, 100);
}

#[tokio::test(start_paused = true)]
async fn a_file_without_sources_runs_until_it_is_asked_to_stop() {
    let world = World::new(File { rows: None, flush: "{ idle: 1s }", ..File::default() });
    world.produce(&["{\"n\":0}", "{\"n\":1}"]).await;
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    world.produce(&["{\"n\":2}"]).await;
    let is_put = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Put(..))).count() == 2;
    world.state.until("all is put", is_put).await;
    assert_eq!(stop_soon(running).await, End::Stopped);
    world.assert_exactly_once(0..3).await;
    assert!(!world.state.events().contains(&Event::HookAtEnd));
}

#[tokio::test(start_paused = true)]
async fn a_stop_flushes_and_commits_what_was_put() {
    let mut world = World::new(File { endless: true, ..File::default() });
    let running = world.start().await;
    let is_put = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Put(..))).count() == 5;
    world.state.until("half is put", is_put).await;
    assert_eq!(stop_soon(running).await, End::Stopped);
    let (offset, plan) = world.committed().await[&0];
    assert!(offset >= 50 && plan.is_none(), "{offset} {plan:?}");
    world.file.endless = false;
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_flush_is_under_way_waits_for_it_and_flushes_the_rest() {
    let world = World::new(File { flush: "{ rows: 30 }", endless: true, ..File::default() });
    world.state.shut_gate();
    let running = world.start().await;
    let is_put = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Put(..))).count() == 10;
    world.state.until("all is put", is_put).await;
    running.stop();
    world.state.open_gate();
    assert_eq!(running.end().await.unwrap(), End::Stopped);
    assert_eq!(flushed_of_one(&world.state), [(0, 30), (30, 100)]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_takes_too_long_for_a_stop_is_left_to_the_next_run() {
    let mut world = World::new(File { flush: "{ rows: 30 }", endless: true, ..File::default() });
    world.state.shut_gate();
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    running.stop();
    assert_eq!(running.end().await.unwrap(), End::Interrupted);
    assert_eq!(world.committed().await[&0], (0, Some(30)));
    world.state.open_gate();
    world.file.endless = false;
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_pause_after_a_failure() {
    for call in [
        Call::Bounds,
        Call::OpenSource,
        Call::Poll,
        Call::OpenSink,
        Call::Put,
        Call::FlushWork,
        Call::GroupCommit,
        Call::ProducerCommit,
    ] {
        let mut world = World::new(File { flush: "{ rows: 30 }", errors: PATIENT, ..File::default() });
        world.state.always(call, RETRIABLE);
        let running = world.start().await;
        world.state.until_failed(call).await;
        let end = stop_soon(running).await;
        assert_eq!(end, End::Stopped, "{call:?}");
        world.state.always(call, Step::Pass);
        world.file.errors = "{}";
        world.run_to_its_end().await;
        world.assert_exactly_once(0..100).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_broker_that_does_not_say_where_the_topic_ends() {
    let mut world = World::new(File { errors: PATIENT, ..File::default() });
    world.state.script(Call::Bounds, [Step::Pass, RETRIABLE]);
    let running = world.start().await;
    world.state.until_failed(Call::Bounds).await;
    assert_eq!(stop_soon(running).await, End::Stopped);
    world.file.errors = "{}";
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_room_on_the_topic() {
    let file = File { rows: Some(20_000), batch: 1000, errors: PATIENT, flush: "{ rows: 1000 }", ..File::default() };
    let mut world = World::with_retention(file, "2000".parse().unwrap());
    world.state.always(Call::FlushWork, RETRIABLE);
    let running = world.start().await;
    world.state.until_failed(Call::FlushWork).await;
    tokio::time::timeout(Duration::from_secs(60), std::future::pending::<()>()).await.unwrap_err();
    assert!(world.broker.bounds("t").await.unwrap()[0].end < 20_000, "the topic is full");
    assert_eq!(stop_soon(running).await, End::Stopped);
    world.state.always(Call::FlushWork, Step::Pass);
    world.file.errors = "{}";
    world.run_to_its_end().await;
    world.assert_exactly_once(0..20_000).await;
}

/// The calls of plugins that may never come back.
const CALLS: [Call; 8] = [
    Call::OpenSource,
    Call::Poll,
    Call::OpenSink,
    Call::Put,
    Call::Flush,
    Call::FlushWork,
    Call::Hook,
    Call::HookAtEnd,
];

/// Longer than a run waits for its tasks once it is asked to stop.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_call_that_waits_for_ever() {
    let calls = CALLS.into_iter().filter(|call| *call != Call::Flush);
    for call in calls.chain([Call::GroupCommit, Call::ProducerCommit]) {
        let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
        world.state.script(call, [Step::Wait]);
        let running = world.start().await;
        world.state.until_failed(call).await;
        let asked = Instant::now();
        running.stop();
        let end = running.end().await.unwrap();
        assert!(asked.elapsed() < PATIENCE, "{call:?} took {:?}", asked.elapsed());
        assert!(matches!(end, End::Stopped | End::Interrupted), "{call:?}: {end:?}");
        world.run_to_its_end().await;
        world.assert_exactly_once(0..100).await;
    }
}

#[test]
fn a_stop_does_not_wait_for_a_call_that_holds_its_thread_for_ever() {
    // As in the program, with workers enough for the task whose thread is held and for the others.
    let stops = |call| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let stopped = runtime.block_on(async {
            let world = World::new(File { flush: "{ rows: 30 }", pause: 0, ..File::default() });
            world.state.script(call, [Step::Block]);
            let running = world.start().await;
            world.state.until_failed(call).await;
            running.stop();
            tokio::time::timeout(PATIENCE, running.end()).await
        });
        // The thread stays held.
        runtime.shutdown_background();
        stopped
    };
    std::thread::scope(|scope| {
        for (call, stopped) in CALLS.map(|call| (call, scope.spawn(move || stops(call)))) {
            let end = stopped.join().unwrap().unwrap_or_else(|_| panic!("{call:?} keeps the run from ending")).unwrap();
            assert!(matches!(end, End::Stopped | End::Interrupted), "{call:?}: {end:?}");
        }
    });
}
