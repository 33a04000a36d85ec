//! When a flush is planned, and what is committed around it.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline_api::OffsetRange;

use crate::state::Event;
use crate::world::{File, World, flushed_of_one, is_flush};

const EVERY_30: [(i64, i64); 4] = [(0, 30), (30, 60), (60, 90), (90, 100)];

#[tokio::test(start_paused = true)]
async fn a_flush_is_due_after_so_many_rows() {
    let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state), EVERY_30);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_due_after_so_many_bytes() {
    let world = World::new(File { flush: "{ bytes: 300 }", ..File::default() });
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state), EVERY_30);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_due_when_half_of_the_memory_is_in_use() {
    let world = World::new(File { flush: "{ memory: 6000 }", ..File::default() });
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state), EVERY_30);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_due_when_the_oldest_row_is_so_old() {
    let world = World::new(File { flush: "{ every: 1s }", endless: true, ..File::default() });
    let running = world.start().await;
    world.state.until("two flushes", |events| events.iter().filter(|event| is_flush(event)).count() == 2).await;
    let first_put = world.state.times(|event| matches!(event, Event::Put(..)))[0];
    let first_flush = world.state.times(is_flush)[0];
    let age = first_flush - first_put;
    assert!((1000..1100).contains(&age.as_millis()), "{age:?}");
    running.stop();
    running.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_due_when_no_row_came_for_so_long() {
    let world = World::new(File { flush: "{ idle: 2s }", endless: true, rows: Some(20), ..File::default() });
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    let last_put = *world.state.times(|event| matches!(event, Event::Put(..))).last().unwrap();
    let idle = world.state.times(is_flush)[0] - last_put;
    assert!((2000..2100).contains(&idle.as_millis()), "{idle:?}");
    assert_eq!(flushed_of_one(&world.state), [(0, 20)]);
    running.stop();
    running.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_committed_before_the_flush_and_settled_after_the_hooks() {
    let world = World::new(File::default());
    world.run_to_its_end().await;
    let all = BTreeMap::from([(0, OffsetRange::new(0, 100))]);
    let is_step = |event: &Event| {
        !matches!(event, Event::Put(..) | Event::SourceOpened(_) | Event::SourceTold(_) | Event::Assigned(..))
    };
    let steps: Vec<Event> = world.state.events().into_iter().filter(is_step).collect();
    let expected = [
        Event::Committed(BTreeMap::from([(0, (0, Some(100)))])),
        Event::FlushBegan(all.clone()),
        Event::Durable(all),
        Event::Hook(1),
        Event::Committed(BTreeMap::from([(0, (100, None))])),
        Event::HookAtEnd,
    ];
    assert_eq!(steps, expected);
}

#[tokio::test(start_paused = true)]
async fn in_steady_state_there_is_one_commit_a_flush() {
    let world = World::new(File { flush: "{ rows: 10 }", ..File::default() });
    world.state.slow_down(Duration::from_millis(350));
    world.run_to_its_end().await;
    let commits = commits(&world);
    let flushes = flushed_of_one(&world.state);
    assert!(flushes.len() > 5, "{flushes:?}");
    assert_eq!(commits.len(), flushes.len() + 1, "a plan for each flush, and the settlement of the last: {commits:?}");
    for pair in commits.windows(2) {
        assert_eq!(pair[0].1, Some(pair[1].0), "what was planned is settled: {commits:?}");
    }
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_settled_at_once_if_the_next_one_is_not_due() {
    let world = World::new(File { flush: "{ rows: 20 }", endless: true, rows: Some(30), ..File::default() });
    let running = world.start().await;
    let settled = Event::Committed(BTreeMap::from([(0, (20, None))]));
    world.state.until("the first flush is settled", |events| events.contains(&settled)).await;
    assert_eq!(commits(&world), [(0, Some(20)), (20, None)]);
    running.stop();
    running.end().await.unwrap();
}

fn commits(world: &World) -> Vec<(i64, Option<i64>)> {
    let committed = |event: Event| if let Event::Committed(offsets) = event { Some(offsets[&0]) } else { None };
    world.state.events().into_iter().filter_map(committed).collect()
}

#[tokio::test(start_paused = true)]
async fn a_slow_flush_holds_back_the_records_before_memory_is_spent() {
    let world = World::new(File { rows: Some(1000), flush: "{ memory: 6000, every: 10h }", ..File::default() });
    world.state.shut_gate();
    let running = world.start().await;
    world.state.until("all are on the topic", |events| events.contains(&Event::SourceTold(1000))).await;
    assert_eq!(flushed_of_one(&world.state), [(0, 30)]);
    assert_eq!(world.state.most_buffered(), 30);
    world.state.open_gate();
    running.end().await.unwrap();
    world.assert_exactly_once(0..1000).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_range_is_put_while_a_flush_is_under_way() {
    let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
    world.state.shut_gate();
    let running = world.start().await;
    let is_put = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Put(..))).count() == 10;
    world.state.until("all is put", is_put).await;
    assert_eq!(flushed_of_one(&world.state), [(0, 30)], "one flush at a time");
    world.state.open_gate();
    running.end().await.unwrap();
    assert_eq!(flushed_of_one(&world.state), [(0, 30), (30, 100)]);
    world.assert_exactly_once(0..100).await;
}
