//! The memory of a file, and who gets which part of it.

use pipeline_api::ByteSize;

use super::planner::Planner;
use super::pointer::{entry, field};
use crate::plan::{BrokerSettings, SinkPlan, SourcePlan};

/// A task gets as much at least: with less, its files are not worth a flush.
const LEAST: ByteSize = ByteSize::mib(8);

impl Planner<'_> {
    /// Shares the memory of the file, if it says how much that is, out over the tasks of its parts. What a part says itself wins.
    pub(super) fn share_memory(&mut self, sources: &[SourcePlan], sinks: &mut [SinkPlan], broker: &mut BrokerSettings) {
        let Some(memory) = self.part::<ByteSize>("/memory") else { return };
        let has_own = |index| self.tree.pointer(&field(&field(&entry("/sinks", index), "flush"), "memory")).is_some();
        let has_own: Vec<bool> = (0..sinks.len()).map(has_own).collect();
        if let Err(least) = share(memory, sources, sinks, &has_own, broker) {
            self.problems
                .value("/memory", format!("`{memory}` is too little for what shares it, expected at least {least}"));
        }
    }
}

/// Gives each task its part, but for those of sinks that have their own. Errors: it is too little, with what would be enough.
fn share(
    memory: ByteSize,
    sources: &[SourcePlan],
    sinks: &mut [SinkPlan],
    has_own: &[bool],
    broker: &mut BrokerSettings,
) -> Result<(), ByteSize> {
    let writers = match broker {
        BrokerSettings::Kafka(_) => sources.iter().map(|source| u64::from(source.tasks)).sum(),
        BrokerSettings::Embedded(_) => 0,
    };
    let (mut readers, mut collectors, mut taken) = (0, 0, 0u64);
    for (sink, has_own) in sinks.iter().zip(has_own) {
        let tasks = u64::from(sink.tasks);
        readers += tasks;
        match has_own {
            true => taken = taken.saturating_add(sink.flush.memory.times(tasks).bytes()),
            false => collectors += tasks,
        }
    }
    let least = LEAST.times(writers + readers).bytes().saturating_add(taken);
    if memory.bytes() < least {
        return Err(ByteSize::mib(1).times(least.div_ceil(MIB)));
    }
    let mut rest = memory.bytes() - taken;
    if let BrokerSettings::Kafka(kafka) = broker {
        let sent = part(rest, writers + readers).min(kafka.write_queue());
        rest -= sent.times(writers).bytes();
        let fetched = part(rest / 4, readers).min(kafka.read_queue());
        rest -= fetched.times(readers).bytes();
        kafka.write_queue = (writers > 0).then_some(sent);
        kafka.read_queue = (readers > 0).then_some(fetched);
    }
    for (sink, _) in sinks.iter_mut().zip(has_own).filter(|(_, has_own)| !**has_own) {
        sink.flush.memory = part(rest, collectors);
    }
    Ok(())
}

const MIB: u64 = ByteSize::mib(1).bytes();

/// One of so many equal parts, in whole mebibytes.
fn part(whole: u64, parts: u64) -> ByteSize {
    ByteSize::mib(whole / parts.max(1) / MIB)
}
