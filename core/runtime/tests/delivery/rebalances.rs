//! Partitions that come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline_api::OffsetRange;
use pipeline_runtime::broker::{Broker, Committed, Consumer, Polled};
use pipeline_runtime::run::{CommitNote, End};

use crate::state::{Call, Event, FATAL, RETRIABLE, Step};
use crate::world::{File, World, flushed, flushed_of_one, is_flush};

fn four_partitions(tasks: u32) -> File {
    File { rows: Some(400), partitions: 4, tasks: Some(tasks), flush: "{ rows: 30 }", ..File::default() }
}

#[tokio::test(start_paused = true)]
async fn a_fenced_plan_flushes_nothing_and_the_task_goes_on() {
    let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
    world.state.script(Call::GroupCommit, [Step::Fence]);
    world.run_to_its_end().await;
    let events = world.state.events();
    let again = events.iter().rposition(|event| matches!(event, Event::Assigned(..))).unwrap();
    assert!(events[..again].contains(&Event::Revoked(vec![0])), "what was put is dropped: {events:?}");
    assert!(!events[..again].iter().any(is_flush), "{events:?}");
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_settlement_makes_the_range_come_again() {
    let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
    world.state.script(Call::GroupCommit, [Step::Pass, Step::Fence]);
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state)[..2], [(0, 30), (0, 30)]);
    assert_eq!(world.progress().sinks[0].rows(), 100, "rows that were not committed do not count");
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_share_the_partitions_and_end_together() {
    for tasks in [1, 2, 3, 4] {
        let world = World::new(four_partitions(tasks));
        world.run_to_its_end().await;
        world.assert_exactly_once(0..400).await;
        let members = world.state.times(|event| matches!(event, Event::Assigned(..))).len();
        assert!(members >= tasks as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn more_tasks_than_partitions_end() {
    for rows in [0, 400] {
        let world = World::new(File { rows: Some(rows), partitions: 2, ..four_partitions(5) });
        world.run_to_its_end().await;
        world.assert_exactly_once(0..rows).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_and_goes_loses_and_doubles_nothing() {
    for tasks in [1, 2, 3] {
        let world = World::new(four_partitions(tasks));
        let running = world.start().await;
        for puts in [4, 12, 24] {
            world.state.until("some are put", |events| count_puts(events) >= puts).await;
            let mut guest = join(&world).await;
            guest.close().await.unwrap();
        }
        assert_eq!(running.end().await.unwrap(), End::Drained);
        world.assert_exactly_once(0..400).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_ends_after_its_partition_has_moved_is_not_committed_but_replayed() {
    let world = World::new(File { rows: Some(400), flush: "{ rows: 30 }", ..File::default() });
    world.state.shut_gate();
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    let mut guest = join(&world).await;
    guest.close().await.unwrap();
    let is_back = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Assigned(..))).count() > 1;
    world.state.until("the partition is back", is_back).await;
    world.state.open_gate();
    assert_eq!(running.end().await.unwrap(), End::Drained);
    assert_eq!(flushed_of_one(&world.state)[..2], [(0, 30), (0, 30)]);
    assert_eq!(world.progress().sinks[0].rows(), 400);
    world.assert_exactly_once(0..400).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_fails_after_somebody_else_has_gone_on_with_its_partition_does_not_come_again() {
    let world = World::new(File { partitions: 2, ..four_partitions(1) });
    world.state.shut_gate();
    world.state.always(Call::FlushWork, RETRIABLE);
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    world.state.until("there is more on the topic", |events| events.contains(&Event::SourceTold(400))).await;
    let mut guest = join(&world).await;
    let planned = guest.committed(&[1]).await.unwrap().remove(&1).unwrap();
    let note = CommitNote::parse(&planned.metadata).unwrap().unwrap();
    let offset = note.plan.unwrap().end + 1;
    let metadata = CommitNote::settled(&note.topic_id).to_string();
    guest.commit(&BTreeMap::from([(1, Committed { offset, metadata })])).await.unwrap();
    guest.close().await.unwrap();
    let is_back = |event: &Event| matches!(event, Event::Assigned(_, partitions) if partitions.len() == 2);
    world.state.until("both are back", |events| events.iter().filter(|event| is_back(event)).count() == 2).await;
    world.state.open_gate();
    world.state.until_failed(Call::FlushWork).await;
    world.state.always(Call::FlushWork, Step::Pass);
    assert_eq!(running.end().await.unwrap(), End::Drained);
    let starts: Vec<i64> = flushed(&world.state).iter().filter_map(|ranges| Some(ranges.get(&1)?.0)).collect();
    assert_eq!(starts[0], 0);
    assert!(starts[1..].iter().all(|start| *start >= offset), "{starts:?} after {offset} was committed");
}

#[tokio::test(start_paused = true)]
async fn a_discard_that_is_overtaken_by_the_next_owner_removes_nothing_of_it() {
    let mut world = World::new(File { rows: Some(30), ..File::default() });
    world.state.script(Call::FlushWork, [FATAL]);
    world.fail().await;
    world.file.version = 2;
    world.file.tasks = Some(2);
    world.state.forget_events();
    world.state.script(Call::Discard, [Step::Take(Duration::from_secs(120))]);
    let running = world.start().await;
    world.state.until_failed(Call::Discard).await;
    // A guest comes and goes. The first task does not poll for longer than a session, so that the second one becomes the
    // owner, and plans the same range.
    let mut guest = world.broker.inner.consumer("p.lake", "t").await.unwrap();
    guest.close().await.unwrap();
    assert_eq!(running.end().await.unwrap(), End::Drained);
    let events = world.state.events();
    let discards = events.iter().filter(|event| matches!(event, Event::Discarded(..))).count();
    let last = events.iter().rposition(|event| matches!(event, Event::Discarded(..))).unwrap();
    assert_eq!(discards, 2);
    assert!(events[..last].contains(&Event::Durable(BTreeMap::from([(0, OffsetRange::new(0, 30))]))), "{events:?}");
    world.assert_exactly_once(0..30).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_a_flush_after_its_partitions_have_moved_goes_on_with_those_it_has() {
    for step in [RETRIABLE, Step::Pass] {
        let world = World::new(four_partitions(2));
        world.state.shut_gate();
        world.state.script(Call::FlushWork, [step, step]);
        let running = world.start().await;
        world.state.until("two flushes", |events| events.iter().filter(|event| is_flush(event)).count() == 2).await;
        let mut guest = join(&world).await;
        world.state.open_gate();
        guest.close().await.unwrap();
        assert_eq!(running.end().await.unwrap(), End::Drained);
        assert!(flushed(&world.state).len() > 4);
        world.assert_exactly_once(0..400).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_run_of_two_tasks_is_finished_by_one() {
    let mut world = World::new(four_partitions(2));
    world.state.shut_gate();
    let running = world.start().await;
    world.state.until("two flushes", |events| events.iter().filter(|event| is_flush(event)).count() == 2).await;
    running.kill().await;
    world.state.open_gate();
    world.file.tasks = Some(1);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..400).await;
}

fn count_puts(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Put(..))).count()
}

/// Joins the sink's group, and waits until the others have given way.
async fn join(world: &World) -> Box<dyn Consumer> {
    let mut guest = world.broker.inner.consumer("p.lake", "t").await.unwrap();
    if world.file.partitions == 1 {
        // The first member keeps the only partition: the guest gets nothing, and hears of nothing.
        let _ = tokio::time::timeout(Duration::from_secs(1), guest.poll()).await;
        return guest;
    }
    while !matches!(guest.poll().await.unwrap(), Polled::Assigned(_)) {}
    guest
}
