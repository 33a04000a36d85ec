//! Calls that fail on the way from the topic to the commit.

use pipeline_api::Verdict;
use pipeline_runtime::run::End;

use crate::state::{Call, Event, FATAL, RETRIABLE, Step};
use crate::world::{File, World, flushed_of_one};

fn by_30() -> File {
    File { flush: "{ rows: 30 }", ..File::default() }
}

#[tokio::test(start_paused = true)]
async fn a_failed_flush_comes_again_as_the_same_range() {
    for call in [Call::Flush, Call::FlushWork, Call::Hook] {
        let world = World::new(by_30());
        world.state.script(call, [RETRIABLE, RETRIABLE]);
        world.run_to_its_end().await;
        let ranges = flushed_of_one(&world.state);
        let again = if call == Call::Flush { 0 } else { 2 };
        assert!(ranges[..=again].iter().all(|range| *range == (0, 30)), "{call:?}: {ranges:?}");
        assert!(ranges[again + 1..].iter().all(|range| range.0 >= 30), "{call:?}: {ranges:?}");
        world.assert_exactly_once(0..100).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_say_at_first_what_the_topic_holds_is_asked_again() {
    let world = World::new(by_30());
    world.state.script(Call::Bounds, [RETRIABLE, Step::Pass, RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    assert_eq!(world.state.times(|event| *event == Event::Failed(Call::Bounds)).len(), 3);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_never_works_leaves_its_plan_to_the_next_run() {
    let mut world = World::new(File { errors: "{ retry: { timeout: 5s } }", ..by_30() });
    world.state.always(Call::FlushWork, RETRIABLE);
    let error = world.fail().await;
    assert!(error.contains("gave up") && error.contains("FlushWork fails as told"), "{error}");
    assert_eq!(world.committed().await[&0], (0, Some(30)));

    world.state.always(Call::FlushWork, Step::Pass);
    world.state.forget_events();
    world.file.flush = "{ rows: 50 }";
    world.run_to_its_end().await;
    assert_eq!(flushed_of_one(&world.state)[0], (0, 30));
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_fatal_error_of_a_hook_leaves_the_range_uncommitted() {
    let world = World::new(by_30());
    world.state.script(Call::Hook, [Step::Pass, FATAL]);
    let error = world.fail().await;
    assert!(error.contains("Hook fails as told"), "{error}");
    assert_eq!(world.committed().await[&0].0, 30);
    assert!(world.committed().await[&0].1.is_some());
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_stops_the_run_before_the_commit() {
    let world = World::new(by_30());
    world.state.judge([Verdict::Failed]);
    let error = world.fail().await;
    assert!(error.contains("sum: found 3, expected 4"), "{error}");
    assert_eq!(world.committed().await[&0], (0, Some(30)));
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_warns_lets_the_run_go_on() {
    let world = World::new(by_30());
    world.state.judge([Verdict::Warned, Verdict::Passed, Verdict::Warned]);
    world.run_to_its_end().await;
    assert_eq!(world.progress().sinks[0].checks()[0].verdict, Verdict::Warned);
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_fails_the_run_and_the_next_one_goes_on() {
    for call in [
        Call::OpenSource,
        Call::Poll,
        Call::OpenSink,
        Call::Put,
        Call::Flush,
        Call::FlushWork,
        Call::Hook,
        Call::HookAtEnd,
    ] {
        let world = World::new(by_30());
        world.state.script(call, [Step::Panic]);
        let error = world.fail().await;
        assert!(error.contains("panicked") && !error.contains("the run itself"), "{call:?}: {error}");
        world.run_to_its_end().await;
        world.assert_exactly_once(0..100).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transform_that_panics_fails_the_run_and_the_next_one_goes_on() {
    const PANICS: &str = "[{ type: below, config: { bound: 1000, panics_on: 42 } }]";
    for behind_the_topic in [false, true] {
        let mut world = World::new(by_30());
        let transforms = if behind_the_topic { &mut world.file.transforms } else { &mut world.file.source_transforms };
        *transforms = PANICS;
        let error = world.fail().await;
        assert!(error.contains("panicked") && !error.contains("the run itself"), "{error}");
        assert!(world.committed().await.get(&0).is_none_or(|(offset, _)| *offset <= 42));
        (world.file.transforms, world.file.source_transforms) = ("[]", "[]");
        world.run_to_its_end().await;
        world.assert_exactly_once(0..100).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_that_may_work_later_is_repeated() {
    let world = World::new(by_30());
    world.state.script(Call::Put, [Step::Pass, RETRIABLE, RETRIABLE]);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_may_work_later_is_repeated() {
    for steps in [[RETRIABLE, RETRIABLE], [Step::Pass, RETRIABLE], [Step::LoseAnswer, Step::LoseAnswer]] {
        let world = World::new(by_30());
        world.state.script(Call::GroupCommit, steps);
        world.run_to_its_end().await;
        world.assert_exactly_once(0..100).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_for_good_stops_the_run_before_the_flush() {
    let world = World::new(by_30());
    world.state.script(Call::GroupCommit, [FATAL]);
    assert!(world.fail().await.contains("the commit fails as told"));
    assert_eq!(flushed_of_one(&world.state), []);
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn the_other_sinks_tasks_commit_what_they_hold_when_one_fails() {
    let world = World::new(File { partitions: 4, tasks: Some(2), ..File::default() });
    world.state.script(Call::Put, [Step::Pass, Step::Pass, Step::Pass, FATAL]);
    assert!(world.fail().await.contains("Put fails as told"));
    let objects = world.state.objects();
    assert!(!objects.is_empty());
    let committed = world.committed().await;
    assert!(objects.iter().all(|object| committed[&object.partition].1.is_none()), "{committed:?}");
    world.run_to_its_end().await;
    world.assert_exactly_once(0..100).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_on_after_a_run_has_ended() {
    let world = World::new(by_30());
    world.state.shut_gate();
    world.state.script(Call::Put, [Step::Pass, Step::Pass, Step::Pass, FATAL]);
    world.fail().await;
    assert_eq!(flushed_of_one(&world.state), [(0, 30)]);
    world.state.forget_events();
    world.state.open_gate();
    assert_eq!(world.run().await.unwrap(), End::Drained);
    let durable = world.state.events().iter().filter(|event| matches!(event, Event::Durable(_))).count();
    assert_eq!(durable, flushed_of_one(&world.state).len(), "the flush of the run before goes on");
    world.assert_exactly_once(0..100).await;
}
