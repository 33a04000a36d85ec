//! Records that nobody accepts.

use std::collections::BTreeMap;

use pipeline_runtime::run::End;

use crate::state::{Call, Event, FATAL, RETRIABLE, Step};
use crate::world::{DEAD_LETTERS, File, World, flushed, flushed_of_one, is_flush};

#[tokio::test(start_paused = true)]
async fn without_tolerance_the_rows_before_a_refused_one_are_committed_and_the_error_names_its_place() {
    for refused in [0, 7, 45, 99] {
        let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
        world.state.refuse([refused, refused + 2]);
        let error = world.fail().await;
        assert!(error.contains(&format!("topic t, partition 0, offset {refused}: {refused} is refused")), "{error}");
        let numbers: Vec<i64> = world.state.objects().into_iter().flat_map(|object| object.numbers).collect();
        assert_eq!(numbers, (0..refused).collect::<Vec<_>>());
        let committed = world.committed().await.get(&0).copied();
        assert_eq!(committed.unwrap_or((0, None)), (refused, None));

        world.state.refuse([]);
        world.run_to_its_end().await;
        world.assert_exactly_once(0..100).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_bad_records_is_named_whoever_refuses_it() {
    let world = World::new(File { rows: Some(0), ..File::default() });
    world.produce(&["{\"n\":0}", "{\"n\":1}", "{\"n\":2}", "nonsense"]).await;
    world.state.refuse([1]);
    let error = world.fail().await;
    assert!(error.contains("topic t, partition 0, offset 1: 1 is refused"), "{error}");
    assert_eq!(world.committed().await[&0], (1, None));
    world.state.refuse([]);
    let error = world.fail().await;
    assert!(error.contains("topic t, partition 0, offset 3: "), "{error}");
    assert_eq!(world.committed().await[&0], (3, None));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_refused_in_a_planned_range_stops_the_run_with_the_plan_as_it_was() {
    let world = World::new(File { flush: "{ rows: 30 }", ..File::default() });
    world.state.script(Call::Hook, [FATAL]);
    world.fail().await;
    world.state.refuse([15]);
    let error = world.fail().await;
    assert!(error.contains("offset 15: 15 is refused"), "{error}");
    assert_eq!(world.committed().await[&0], (0, Some(30)));
    world.state.refuse([]);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn refused_records_go_to_the_dead_letter_topic_once_however_often_their_range_comes() {
    let world = World::new(File { flush: "{ rows: 30 }", errors: DEAD_LETTERS, ..File::default() });
    world.state.refuse([3, 4, 45, 99]);
    world.state.script(Call::Hook, [RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state)[..3], [(0, 40); 3], "28 rows of 30 are not enough");
    let letters = world.dead_letters().await;
    let values: Vec<&str> = letters.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!(values, ["{\"n\":3}", "{\"n\":4}", "{\"n\":45}", "{\"n\":99}"]);
    let expected = [
        ("connector.name", "lake"),
        ("task.id", "0"),
        ("stage", "TASK_PUT"),
        ("class.name", "lake"),
        ("exception.message", "3 is refused"),
        ("topic", "t"),
        ("partition", "0"),
        ("offset", "3"),
    ];
    assert_eq!(
        letters[0].1,
        expected.map(|(name, value)| (name.into(), value.into())).into_iter().collect::<BTreeMap<_, _>>()
    );
    assert_eq!(world.progress().sinks[0].rejected(), 4);
    assert_eq!(world.committed().await[&0], (100, None));
    let stored: usize = world.state.objects().iter().map(|object| object.numbers.len()).sum();
    assert_eq!(stored, 96);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_whose_answer_was_lost_are_not_sent_again() {
    for step in [Step::LoseAnswer, RETRIABLE] {
        let world = World::new(File { rows: Some(0), errors: DEAD_LETTERS, ..File::default() });
        world.produce(&["{\"n\":0}", "{\"n\":1}", "nonsense"]).await;
        world.state.script(Call::ProducerCommit, [step]);
        world.run_to_its_end().await;
        assert_eq!(world.dead_letters().await.len(), 1);
        world.assert_exactly_once(0..2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_topic_that_takes_nothing_stops_the_run_before_the_commit() {
    for (step, errors) in [
        (FATAL, DEAD_LETTERS),
        (RETRIABLE, "{ tolerance: all, dead_letter_topic: dead, retry: { timeout: 5s } }"),
        (Step::Fence, DEAD_LETTERS),
    ] {
        let world = World::new(File { rows: Some(0), errors, ..File::default() });
        world.produce(&["{\"n\":0}", "{\"n\":1}", "nonsense"]).await;
        world.state.always(Call::ProducerCommit, step);
        world.fail().await;
        assert_eq!(world.committed().await[&0], (0, Some(3)), "{step:?}");
        world.state.always(Call::ProducerCommit, Step::Pass);
        world.run_to_its_end().await;
        assert_eq!(world.dead_letters().await.len(), 1, "{step:?}");
        world.assert_exactly_once(0..2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_stage_names_itself_on_its_dead_letters() {
    let transforms = "[{ type: below, config: { bound: 100, fails_on: 2 } }]";
    let world = World::new(File { rows: Some(0), errors: DEAD_LETTERS, transforms, ..File::default() });
    world.produce(&["{\"n\":0}", "nonsense", "{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]).await;
    world.state.refuse([3]);
    world.run_to_its_end().await;
    let stages = world
        .dead_letters()
        .await
        .into_iter()
        .map(|(_, headers)| (headers["offset"].clone(), headers["stage"].clone()));
    let mut stages: Vec<(String, String)> = stages.collect();
    stages.sort();
    let expected = [("1", "VALUE_CONVERTER"), ("3", "TRANSFORMATION"), ("4", "TASK_PUT")];
    assert_eq!(stages, expected.map(|(offset, stage)| (offset.into(), stage.into())));
    world.assert_exactly_once(0..2).await;
}

#[tokio::test(start_paused = true)]
async fn a_range_of_dead_letters_alone_is_committed() {
    let world = World::new(File { rows: Some(0), errors: DEAD_LETTERS, ..File::default() });
    world.produce(&["nonsense", "{\"n\":\"x\"}"]).await;
    world.run_to_its_end().await;
    assert_eq!(world.dead_letters().await.len(), 2);
    assert_eq!(world.committed().await[&0], (2, None));
    world.assert_exactly_once(0..0).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_only_the_changed_file_refuses_goes_to_the_dead_letter_topic() {
    let mut world = World::new(File { flush: "{ rows: 30 }", errors: DEAD_LETTERS, ..File::default() });
    world.state.refuse([3]);
    world.state.script(Call::Hook, [FATAL]);
    world.fail().await;
    world.file.version = 2;
    world.state.refuse([5]);
    world.run_to_its_end().await;
    let values: Vec<String> = world.dead_letters().await.into_iter().map(|(value, _)| value).collect();
    assert_eq!(values, ["{\"n\":3}", "{\"n\":5}"]);
}

#[tokio::test(start_paused = true)]
async fn two_owners_that_flush_the_same_range_at_once_send_its_dead_letters_once() {
    let file = File { rows: None, partitions: 2, errors: DEAD_LETTERS, flush: "{ idle: 1s }", ..File::default() };
    let world = World::new(file);
    world.produce_to(1, &["{\"n\":0}", "nonsense", "{\"n\":1}"]).await;
    world.state.shut_gate();
    let old = world.start().await;
    world.state.until("a flush", |events| events.iter().any(is_flush)).await;
    let new = world.start().await;
    world.state.until("two flushes", |events| events.iter().filter(|event| is_flush(event)).count() == 2).await;
    assert!(flushed(&world.state).iter().all(|ranges| ranges[&1] == (0, 3)), "{:?}", flushed(&world.state));
    world.state.open_gate();
    let settled = Event::Committed(BTreeMap::from([(1, (3, None))]));
    world.state.until("the range is settled", |events| events.contains(&settled)).await;
    for run in [old, new] {
        run.stop();
        assert_eq!(run.end().await.unwrap(), End::Stopped);
    }
    assert_eq!(world.dead_letters().await.len(), 1);
    world.assert_exactly_once(0..2).await;
}
