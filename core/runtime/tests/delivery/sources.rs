//! From a source's polls to committed transactions.

use std::time::Duration;

use pipeline_runtime::broker::Broker;

use crate::state::{Call, Event, FATAL, RETRIABLE, Step};
use crate::world::{File, World};

fn opened(world: &World) -> Vec<i64> {
    let resumed = |event: Event| if let Event::SourceOpened(next) = event { Some(next) } else { None };
    world.state.events().into_iter().filter_map(resumed).collect()
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_may_work_later_is_repeated_on_the_same_source_after_a_pause() {
    let world = World::new(File { errors: "{ retry: { pause: 2s } }", ..File::default() });
    world.state.script(Call::Poll, [Step::Pass, RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0]);
    let told = world.state.times(|event| matches!(event, Event::SourceTold(_)));
    assert!(told[1] - told[0] >= Duration::from_secs(3), "two pauses, of 1 to 2 and 2 to 4 seconds");
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_fatal_error_of_a_source_is_committed() {
    let world = World::new(File { pause: 0, ..File::default() });
    world.state.script(Call::Poll, [Step::Pass, Step::Pass, FATAL]);
    assert!(world.fail().await.contains("Poll fails as told"));
    assert_eq!(world.broker.bounds("t").await.unwrap()[0].end, 20);
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 20]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_fails_comes_again_whole() {
    let world = World::new(File::default());
    world.state.script(Call::ProducerCommit, [Step::Pass, RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 10, 10]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_whose_answer_was_lost_does_not_come_again() {
    let world = World::new(File::default());
    world.state.script(Call::ProducerCommit, [Step::Pass, Step::LoseAnswer, Step::Pass, Step::LoseAnswer]);
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 20, 40]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_was_replaced_starts_anew_while_its_task_is_ours() {
    let world = World::new(File::default());
    world.state.script(Call::ProducerCommit, [Step::Pass, Step::Fence]);
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 10]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_works_gives_the_next_failure_the_whole_budget() {
    let world = World::new(File { errors: "{ retry: { timeout: 1s } }", ..File::default() });
    let pass = [Step::Pass; 6];
    world
        .state
        .script(Call::ProducerCommit, pass[..1].iter().chain([&RETRIABLE]).chain(&pass).chain([&RETRIABLE]).copied());
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 10, 70]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_never_answers_ends_the_run_when_the_budget_is_spent() {
    let world = World::new(File { errors: "{ retry: { timeout: 1m } }", ..File::default() });
    world.state.always(Call::ProducerCommit, RETRIABLE);
    assert!(world.fail().await.contains("gave up after"));
    world.state.always(Call::ProducerCommit, Step::Pass);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

/// Each batch comes 300 ms after the one before and is a transaction of its own, which takes as long.
#[tokio::test(start_paused = true)]
async fn a_source_is_read_on_while_its_transaction_is_committed() {
    let world = World::new(File::default());
    world.state.slow_down_transactions(Duration::from_millis(300));
    let start = tokio::time::Instant::now();
    world.run_to_its_end().await;
    assert!(start.elapsed() < Duration::from_millis(10 * 500), "{:?}", start.elapsed());
    let told = world.state.times(|event| matches!(event, Event::SourceTold(_)));
    assert!(!told.is_empty());
    world.assert_exactly_once(0..100).await;
}

/// A batch is 1.2 MB, and two of them are a transaction.
#[tokio::test(start_paused = true)]
async fn not_more_than_8_mib_and_a_batch_are_read_ahead() {
    let world = World::new(File { rows: Some(2_000_000), batch: 100_000, pause: 0, tasks: None, ..File::default() });
    world.state.slow_down_transactions(Duration::from_secs(3600));
    let running = world.start().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.state.polls(), 2 + 7);
    running.kill().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_read_ahead_of_a_transaction_that_fails_comes_again() {
    let world = World::new(File { pause: 100, ..File::default() });
    world.state.slow_down_transactions(Duration::from_millis(350));
    world.state.script(Call::ProducerCommit, [Step::Pass, RETRIABLE, Step::LoseAnswer]);
    world.run_to_its_end().await;
    assert_eq!(opened(&world).len(), 3);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn an_error_that_was_met_ahead_leaves_what_came_before_it_committed() {
    let world = World::new(File { pause: 0, batch: 10, ..File::default() });
    world.state.slow_down_transactions(Duration::from_millis(350));
    world.state.script(Call::Poll, [Step::Pass, Step::Pass, RETRIABLE, Step::Pass, FATAL]);
    assert!(world.fail().await.contains("Poll fails as told"));
    assert_eq!(world.broker.bounds("t").await.unwrap()[0].end, 30);
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 30]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_source_is_read_ahead_commits_and_tells_what_was_sent() {
    let mut world = World::new(File { pause: 10_000, ..File::default() });
    world.state.slow_down_transactions(Duration::from_millis(350));
    let running = world.start().await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    running.stop();
    running.end().await.unwrap();
    let told = world
        .state
        .events()
        .iter()
        .filter_map(|e| if let Event::SourceTold(next) = e { Some(*next) } else { None })
        .max();
    assert_eq!(told, Some(10));
    assert_eq!(world.broker.bounds("t").await.unwrap()[0].end, 10);
    world.file.pause = 0;
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_a_sources_transforms_drop_still_advance_its_offsets() {
    let source_transforms = "[{ type: below, config: { bound: 0 } }]";
    let world = World::new(File { source_transforms, ..File::default() });
    world.run_to_its_end().await;
    world.run_to_its_end().await;
    assert_eq!(opened(&world), [0, 100]);
    assert_eq!(world.broker.bounds("t").await.unwrap()[0].end, 0);
}

#[tokio::test(start_paused = true)]
async fn tasks_of_a_source_share_its_work_and_each_resumes_at_its_own_place() {
    let world = World::new(File { source_tasks: 2, partitions: 2, ..File::default() });
    world.state.script(Call::ProducerCommit, [Step::Pass, RETRIABLE, Step::Pass, Step::LoseAnswer]);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}
