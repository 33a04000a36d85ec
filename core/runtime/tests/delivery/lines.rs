//! A sink that takes lines in place of columns.

use pipeline_runtime::run::End;

use crate::state::{Call, Event, FATAL, RETRIABLE};
use crate::world::{DEAD_LETTERS, File, World};

fn taking_lines(file: File) -> World {
    let world = World::new(file);
    world.state.take_lines();
    world
}

/// How many rows were put as lines, and how many as records.
fn put(world: &World) -> (usize, usize) {
    world.state.events().iter().fold((0, 0), |(lines, records), event| match event {
        Event::PutLines(_, rows) => (lines + rows, records),
        Event::Put(_, rows) => (lines, records + rows),
        _ => (lines, records),
    })
}

fn numbers(world: &World) -> Vec<i64> {
    world.state.objects().into_iter().flat_map(|object| object.numbers).collect()
}

#[tokio::test(start_paused = true)]
async fn records_come_as_lines_where_nobody_needs_columns() {
    let world = taking_lines(File { flush: "{ rows: 30 }", ..File::default() });
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
    assert_eq!(put(&world), (100, 0));
    assert_eq!(world.progress().sinks[0].rows(), 100);
}

#[tokio::test(start_paused = true)]
async fn records_that_are_transformed_come_as_records() {
    let transforms = "[{ type: below, config: { bound: 1000 } }]";
    let world = taking_lines(File { transforms, ..File::default() });
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
    assert_eq!(put(&world), (0, 100));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_no_record_is_found_and_its_neighbours_land() {
    let world = taking_lines(File { rows: Some(0), errors: DEAD_LETTERS, ..File::default() });
    world.produce(&["{\"n\":0}", "nonsense", "{\"n\":2}"]).await;
    world.run_to_its_end().await;
    assert_eq!(numbers(&world), [0, 2]);
    assert_eq!(put(&world), (0, 2));
    let letters = world.dead_letters().await;
    assert_eq!(letters.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>(), ["nonsense"]);

    world.state.forget_events();
    world.produce(&["{\"n\":3}", "{ \"n\": 4 }"]).await;
    world.run_to_its_end().await;
    assert_eq!(put(&world), (2, 0));
    assert_eq!(numbers(&world), [0, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_as_lines_is_put_as_records_down_to_the_guilty_one() {
    let world = taking_lines(File { errors: DEAD_LETTERS, ..File::default() });
    world.state.refuse([3, 45]);
    world.run_to_its_end().await;
    let expected: Vec<i64> = (0..100).filter(|n| ![3, 45].contains(n)).collect();
    assert_eq!(numbers(&world), expected);
    assert_eq!(world.dead_letters().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn lines_are_offered_again_after_an_error_that_may_pass_and_only_then() {
    let world = taking_lines(File::default());
    world.state.script(Call::Put, [RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
    assert_eq!(put(&world), (100, 0));

    let world = taking_lines(File::default());
    world.state.script(Call::Put, [FATAL]);
    let error = world.fail().await;
    assert!(error.contains("Put fails as told"), "{error}");
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_lines_are_offered_leaves_them_to_the_next_run() {
    let world = taking_lines(File { endless: true, ..File::default() });
    world.state.always(Call::Put, RETRIABLE);
    let running = world.start().await;
    world.state.until("was put", |events| events.contains(&Event::Failed(Call::Put))).await;
    running.stop();
    assert_eq!(running.end().await.unwrap(), End::Stopped);
    assert_eq!(world.state.objects().len(), 0);
}
