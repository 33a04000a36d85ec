//! What a run makes of what the one before it has committed.

use pipeline_api::OffsetRange;
use pipeline_runtime::broker::Broker;

use crate::state::{Call, Event, FATAL, RETRIABLE};
use crate::world::{File, World, flushed_of_one, is_flush};

fn by_30() -> File {
    File { flush: "{ rows: 30 }", ..File::default() }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_in_a_flush_is_followed_by_its_replay() {
    let mut world = World::new(by_30());
    world.state.shut_gate();
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    running.kill().await;
    assert_eq!(world.committed().await[&0], (0, Some(30)));

    world.state.forget_events();
    world.state.open_gate();
    world.file.flush = "{}";
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state), [(0, 30), (30, 100)]);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_range_that_was_planned_under_another_file_is_discarded_and_planned_anew() {
    let mut world = World::new(by_30());
    world.state.script(Call::FlushWork, [FATAL]);
    world.fail().await;
    assert_eq!(world.state.objects().len(), 1, "a part is durable");

    world.file.version = 2;
    world.file.flush = "{ rows: 50 }";
    world.state.forget_events();
    world.run_to_its_end().await;
    let events = world.state.events();
    let discarded = events.iter().position(|event| *event == Event::Discarded(0, OffsetRange::new(0, 30))).unwrap();
    assert!(discarded < events.iter().position(is_flush).unwrap());
    assert_eq!(flushed_of_one(&world.state), [(0, 50), (50, 100)]);
    assert!(world.state.objects().iter().all(|object| object.version == 2));
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_discard_that_may_work_later_is_tried_again() {
    let mut world = World::new(by_30());
    world.state.script(Call::FlushWork, [FATAL]);
    world.fail().await;
    world.file.version = 2;
    world.state.script(Call::Discard, [RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    assert!(world.state.objects().iter().all(|object| object.version == 2));
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_discards_nothing_that_is_settled() {
    let mut world = World::new(by_30());
    world.run_to_its_end().await;
    world.file.version = 2;
    world.file.rows = Some(200);
    world.run_to_its_end().await;
    assert!(!world.state.events().iter().any(|event| matches!(event, Event::Discarded(..))));
    world.assert_exactly_once(0..200).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_run_with_nothing_new_flushes_and_commits_nothing_and_checks_the_table() {
    let world = World::new(by_30());
    world.run_to_its_end().await;
    world.state.forget_events();
    world.run_to_its_end().await;
    let events = world.state.events();
    assert!(!events.iter().any(|event| is_flush(event) || matches!(event, Event::Committed(_))), "{events:?}");
    assert_eq!(events.last(), Some(&Event::HookAtEnd));
}

#[tokio::test(start_paused = true)]
async fn records_that_are_gone_stop_the_run() {
    let world = World::new(File { rows: Some(30), ..by_30() });
    world.run_to_its_end().await;
    for (held, gone) in [((50, 100), "records 30..50 of t+0 are gone"), ((0, 20), "records 20..30 of t+0 are gone")] {
        *world.broker.bounds.lock().unwrap() = Some(OffsetRange::new(held.0, held.1));
        let error = world.fail().await;
        assert!(error.contains(gone), "{error}");
    }
    assert_eq!(world.committed().await[&0], (30, None));
}

#[tokio::test(start_paused = true)]
async fn a_planned_range_whose_records_are_gone_stops_the_run() {
    let world = World::new(by_30());
    world.state.script(Call::FlushWork, [FATAL]);
    world.fail().await;
    *world.broker.bounds.lock().unwrap() = Some(OffsetRange::new(0, 20));
    let error = world.fail().await;
    assert!(error.contains("records 20..30 of t+0 are gone"), "{error}");
    assert_eq!(world.committed().await[&0], (0, Some(30)));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_created_again_stops_the_run() {
    let world = World::new(by_30());
    world.run_to_its_end().await;
    *world.broker.topic_id.lock().unwrap() = Some("another".into());
    let error = world.fail().await;
    assert!(error.contains("deleted and created again"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_note_of_another_program_stops_the_run() {
    let world = World::new(File { rows: Some(0), ..File::default() });
    world.produce(&["{\"n\":0}"]).await;
    world.commit_as_somebody_else(1, "checkpoint 7").await;
    let error = world.fail().await;
    assert!(error.contains("`checkpoint 7`"), "{error}");
    assert_eq!(world.state.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_ends_before_the_committed_offset_stops_the_run() {
    let world = World::new(File { rows: Some(0), ..File::default() });
    world.produce(&["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"]).await;
    let topic = world.broker.ensure_topic(&world.topic()).await.unwrap().id;
    world.commit_as_somebody_else(2, &format!("v1;topic={topic};end=1;at=0;cfg=0")).await;
    let error = world.fail().await;
    assert!(error.contains("t+0: 2 was committed as the next to read, beyond the planned end 1"), "{error}");
    assert_eq!(world.committed().await[&0], (2, Some(1)));
    assert_eq!(world.state.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn an_offset_without_a_note_is_where_the_run_starts() {
    let world = World::new(File { rows: Some(0), ..File::default() });
    world.produce(&["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"]).await;
    world.commit_as_somebody_else(1, "").await;
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state), [(1, 3)]);
}

#[tokio::test(start_paused = true)]
async fn filtered_rows_still_advance_the_offset() {
    let world = World::new(File { transforms: "[{ type: below, config: { bound: 0 } }]", ..by_30() });
    world.run_to_its_end().await;
    world.assert_exactly_once(0..0).await;
    assert_eq!(world.committed().await[&0], (100, None));
    assert!(!world.state.events().iter().any(|event| matches!(event, Event::Hook(_))), "there is no artifact");
}

#[tokio::test(start_paused = true)]
async fn filtered_rows_advance_the_offset_by_age_alone() {
    let transforms = "[{ type: below, config: { bound: 0 } }]";
    let world = World::new(File { transforms, endless: true, flush: "{ every: 5s }", ..File::default() });
    let running = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    running.stop();
    running.end().await.unwrap();
    assert_eq!(world.committed().await[&0], (100, None));
}
