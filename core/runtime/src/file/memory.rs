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
        let says_its_own =
            |index| self.tree.pointer(&field(&field(&entry("/sinks", index), "flush"), "memory")).is_some();
        let (own, even): (Vec<_>, Vec<_>) = sinks.iter_mut().enumerate().partition(|(index, _)| says_its_own(*index));
        let own: Vec<&SinkPlan> = own.into_iter().map(|(_, sink)| &*sink).collect();
        let mut even: Vec<&mut SinkPlan> = even.into_iter().map(|(_, sink)| sink).collect();
        if let Err(least) = share(memory, sources, &own, &mut even, broker) {
            self.problems
                .value("/memory", format!("`{memory}` is too little for what shares it, expected at least {least}"));
        }
    }
}

/// Gives each task its part; those of the sinks `own` have theirs already. Errors: it is too little, with what would be enough.
fn share(
    memory: ByteSize,
    sources: &[SourcePlan],
    own: &[&SinkPlan],
    even: &mut [&mut SinkPlan],
    broker: &mut BrokerSettings,
) -> Result<(), ByteSize> {
    let writers = match broker {
        BrokerSettings::Kafka(_) => sources.iter().map(|source| u64::from(source.tasks)).sum(),
        BrokerSettings::Embedded(_) => 0,
    };
    let collectors: u64 = even.iter().map(|sink| u64::from(sink.tasks)).sum();
    let readers = collectors + own.iter().map(|sink| u64::from(sink.tasks)).sum::<u64>();
    let taken: u64 = own.iter().map(|sink| sink.flush.memory.times(sink.tasks.into()).bytes()).sum();
    let least = LEAST.times(writers + readers).bytes().saturating_add(taken);
    let Some(mut rest) = memory.bytes().checked_sub(least).map(|_| memory.bytes() - taken) else {
        return Err(ByteSize::mib(least.div_ceil(MIB)));
    };
    if let BrokerSettings::Kafka(kafka) = broker {
        let sent = part(rest, writers + readers).min(kafka.write_queue());
        rest -= sent.times(writers).bytes();
        let fetched = part(rest / 4, readers).min(kafka.read_queue());
        rest -= fetched.times(readers).bytes();
        (kafka.write_queue, kafka.read_queue) = (Some(sent), Some(fetched));
    }
    even.iter_mut().for_each(|sink| sink.flush.memory = part(rest, collectors));
    Ok(())
}

const MIB: u64 = ByteSize::mib(1).bytes();

/// One of so many equal parts, in whole mebibytes.
fn part(whole: u64, parts: u64) -> ByteSize {
    ByteSize::mib(whole / parts.max(1) / MIB)
}
