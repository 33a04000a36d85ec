//! A broker that does not do what the engine relies on fails the case that says so.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use pipeline_api::{ByteSize, OffsetRange, Result, SourceOffsets};
use pipeline_embedded::EmbeddedBroker;
use pipeline_runtime::EmbeddedSettings;
use pipeline_runtime::broker::{Broker, Committed, Consumer, Producer, ProducerId, Timestamps, TopicInfo, TopicSpec};
use pipeline_testkit::broker_conformance::cases;

/// What a broker does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    NeverFencesProducers,
    ForgetsMetadata,
    ResetsNothing,
    PutsEveryMemberInAGroupOfItsOwn,
    MakesTopicsThatAreAskedFor,
    MakesTopicsThatAreExamined,
    SetsNoOffsets,
    SetsOffsetsWithoutTheirNotes,
    SetsOffsetsUnderAMember,
    FencesWhoeverProduces,
    LetsMembersInBeforeTheyPoll,
    SaysThatEveryRangeHoldsRecords,
}

/// The embedded broker with a fault.
struct FaultyBroker {
    inner: Arc<EmbeddedBroker>,
    fault: Fault,
    calls: AtomicU32,
}

impl FaultyBroker {
    /// A number that differs from call to call if the broker has this fault.
    fn varied(&self, fault: Fault) -> u32 {
        if self.fault == fault { self.calls.fetch_add(1, Ordering::Relaxed) } else { 0 }
    }
}

#[async_trait]
impl Broker for FaultyBroker {
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<TopicInfo> {
        self.inner.ensure_topic(topic).await
    }

    async fn examine_topic(&self, topic: &TopicSpec) -> Result<Option<TopicInfo>> {
        if self.fault == Fault::MakesTopicsThatAreExamined {
            return self.inner.ensure_topic(topic).await.map(Some);
        }
        self.inner.examine_topic(topic).await
    }

    async fn find_topic(&self, topic: &str) -> Result<Option<TopicInfo>> {
        if self.fault == Fault::MakesTopicsThatAreAskedFor {
            let spec = TopicSpec {
                name: topic.to_owned(),
                partitions: 1,
                timestamps: Timestamps::Clock,
                create: None,
                retained_for: Vec::new(),
            };
            self.inner.ensure_topic(&spec).await?;
        }
        self.inner.find_topic(topic).await
    }

    async fn bounds(&self, topic: &str) -> Result<Vec<OffsetRange>> {
        self.inner.bounds(topic).await
    }

    async fn hold_records(&self, topic: &str, ranges: &[(i32, OffsetRange)]) -> Result<Vec<bool>> {
        match self.fault {
            Fault::SaysThatEveryRangeHoldsRecords => Ok(vec![true; ranges.len()]),
            _ => self.inner.hold_records(topic, ranges).await,
        }
    }

    async fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<Committed>>> {
        let mut committed = self.inner.committed(group, topic).await?;
        if self.fault == Fault::ForgetsMetadata {
            committed.iter_mut().flatten().for_each(|committed| committed.metadata.clear());
        }
        Ok(committed)
    }

    async fn set_committed(&self, group: &str, topic: &str, offsets: &BTreeMap<i32, Committed>) -> Result<()> {
        let mut offsets = offsets.clone();
        match self.fault {
            Fault::SetsNoOffsets => return Ok(()),
            Fault::SetsOffsetsWithoutTheirNotes => {
                offsets.values_mut().for_each(|committed| committed.metadata.clear())
            }
            Fault::SetsOffsetsUnderAMember => return self.inner.set_committed(group, topic, &offsets).await.or(Ok(())),
            _ => {}
        }
        self.inner.set_committed(group, topic, &offsets).await
    }

    async fn source_offsets(&self, pipeline: &str, source: &str) -> Result<SourceOffsets> {
        if self.fault == Fault::FencesWhoeverProduces {
            let id = ProducerId { pipeline: pipeline.to_owned(), source: source.to_owned(), task: 0 };
            return self.inner.producer(id).await?.source_offsets().await;
        }
        self.inner.source_offsets(pipeline, source).await
    }

    async fn producer(&self, id: ProducerId) -> Result<Box<dyn Producer>> {
        let task = id.task + 10 * self.varied(Fault::NeverFencesProducers);
        self.inner.producer(ProducerId { task, ..id }).await
    }

    async fn consumer(&self, group: &str, topic: &str) -> Result<Box<dyn Consumer>> {
        let mut member = self.join(group, topic).await?;
        if self.varied(Fault::LetsMembersInBeforeTheyPoll) > 0 {
            assert!(member.poll().now_or_never().is_none());
        }
        Ok(member)
    }

    async fn source_tasks(&self, pipeline: &str, tasks: i32) -> Result<Box<dyn Consumer>> {
        self.inner.source_tasks(pipeline, tasks).await
    }

    async fn reset(&self, pipeline: &str, topic: &str) -> Result<()> {
        if self.fault == Fault::ResetsNothing { Ok(()) } else { self.inner.reset(pipeline, topic).await }
    }
}

impl FaultyBroker {
    async fn join(&self, group: &str, topic: &str) -> Result<Box<dyn Consumer>> {
        match self.varied(Fault::PutsEveryMemberInAGroupOfItsOwn) {
            0 => self.inner.consumer(group, topic).await,
            number => self.inner.consumer(&format!("{group}-{number}"), topic).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_is_found() {
    for (fault, case) in [
        (Fault::NeverFencesProducers, "a_newer_producer_fences_the_older"),
        (Fault::ForgetsMetadata, "what_was_committed_comes_back_with_its_metadata"),
        (Fault::SaysThatEveryRangeHoldsRecords, "a_range_holds_records_where_they_were_committed"),
        (Fault::ResetsNothing, "a_reset_leaves_nothing"),
        (Fault::ResetsNothing, "a_reset_is_refused_while_somebody_reads"),
        (Fault::MakesTopicsThatAreAskedFor, "a_topic_that_is_missing_is_found_nowhere"),
        (Fault::MakesTopicsThatAreExamined, "a_topic_is_examined_as_it_would_be_ensured_and_not_made"),
        (Fault::SetsNoOffsets, "offsets_that_are_set_while_nobody_reads_are_where_the_next_member_begins"),
        (
            Fault::SetsOffsetsWithoutTheirNotes,
            "offsets_that_are_set_while_nobody_reads_are_where_the_next_member_begins",
        ),
        (Fault::SetsOffsetsUnderAMember, "offsets_are_not_set_while_somebody_reads"),
        (Fault::FencesWhoeverProduces, "stored_offsets_are_read_without_disturbing_who_produces"),
        (Fault::LetsMembersInBeforeTheyPoll, "a_member_joins_with_its_first_poll"),
        (Fault::PutsEveryMemberInAGroupOfItsOwn, "a_silent_member_is_evicted_and_fenced"),
    ] {
        let outcome = cases().into_iter().find(|found| found.name == case).unwrap().run(broker(fault)).await;
        let fault_text = outcome.expect_err(&format!("{fault:?} passes {case}"));
        assert!(fault_text.starts_with(case), "{fault_text}");
    }
}

fn broker(fault: Fault) -> Arc<dyn Broker> {
    let settings = EmbeddedSettings { path: None, retention: ByteSize::mib(64) };
    let inner = EmbeddedBroker::open_with(&settings, Duration::from_secs(5)).unwrap();
    Arc::new(FaultyBroker { inner, fault, calls: AtomicU32::new(0) })
}
