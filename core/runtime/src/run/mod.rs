//! Running plans.

mod bisect;
mod commit_note;
mod compare;
mod dead_letter;
mod decode;
mod encode;
mod examine;
mod finish;
mod flight;
mod flush_trigger;
mod offsets;
mod partitioner;
mod patient;
mod progress;
mod reading;
mod reconcile;
mod reconcile_check;
mod retry;
mod sink_task;
mod source_task;
mod source_tasks;
mod stop;
mod worker;

pub use commit_note::CommitNote;
pub use compare::Difference;
pub use examine::{PartExamined, examine};
pub use offsets::{
    OffsetChange, Offsets, PartitionOffsets, Planned, PlannedUnder, SinkOffsets, Target, Unfinished, no_topic, offsets,
    set_offsets,
};
pub use partitioner::partition_of_key;
pub use progress::{Progress, SinkProgress, SourceProgress};
pub use reconcile::{Listed, Reconciled, reconcile};
pub use stop::{Stop, Stopper};
pub use worker::{End, reset, run};
