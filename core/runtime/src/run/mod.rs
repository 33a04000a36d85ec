//! Running plans.

mod bisect;
mod commit_note;
mod dead_letter;
mod decode;
mod encode;
mod finish;
mod flight;
mod flush_trigger;
mod offsets;
mod partitioner;
mod patient;
mod progress;
mod retry;
mod sink_task;
mod source_task;
mod source_tasks;
mod stop;
mod worker;

pub use commit_note::CommitNote;
pub use offsets::{
    OffsetChange, Offsets, PartitionOffsets, Planned, PlannedUnder, SinkOffsets, Target, Unfinished, no_topic, offsets,
    set_offsets,
};
pub use partitioner::partition_of_key;
pub use progress::{Progress, SinkProgress, SourceProgress};
pub use stop::{Stop, Stopper};
pub use worker::{End, reset, run};
