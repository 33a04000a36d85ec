//! Whether a run would find what it needs.

use std::sync::Arc;

use futures::future::join_all;
use pipeline_api::{BoxFuture, Context, Error, Examined, Result, SourceOffsets, Task};

use super::offsets::SinkOffsets;
use super::worker::{apart, topics};
use crate::broker::{Broker, TopicInfo};
use crate::plan::{Plan, PluginPlan, SinkPlan, SourcePlan};

/// What was tried for a part of a pipeline file.
#[derive(Debug)]
pub struct PartExamined {
    /// The part: `sink lake, hook glue_table`.
    pub part: String,
    /// What was tried, and what came of it.
    pub examined: Examined,
}

/// Tries everything that a run needs of the outside world, each part of the file beside the others, and goes on after what is
/// wrong. Changes nothing that stays, and the pipeline may run meanwhile, wherever it does. Without a broker what is on it is
/// left out. In the order of the file.
pub async fn examine(plan: &Plan, broker: Option<&Arc<dyn Broker>>) -> Vec<PartExamined> {
    let (of_topics, topic) = examine_topics(plan, broker).await;
    let mut parts: Vec<BoxFuture<'_, Vec<PartExamined>>> = Vec::new();
    for source in &plan.sources {
        parts.push(Box::pin(examine_source(plan, source, broker)));
    }
    parts.push(Box::pin(std::future::ready(of_topics)));
    for sink in &plan.sinks {
        if let (Some(broker), Some(topic)) = (broker, &topic) {
            parts.push(Box::pin(examine_group(plan, sink, broker, topic)));
        }
        let (part, context) = (format!("sink {}", sink.name), plan.sink_context(sink, ALONE));
        parts.push(examine_plugin(part.clone(), &sink.plugin, context.clone()));
        for hook in &sink.hooks {
            let part = format!("{part}, hook {}", hook.registration.type_name());
            parts.push(examine_plugin(part, hook, context.clone()));
        }
    }
    join_all(parts).await.into_iter().flatten().collect()
}

const ALONE: Task = Task { index: 0, of: 1 };

/// Also what the broker says of the topic in the middle, if it is there and fits.
async fn examine_topics(plan: &Plan, broker: Option<&Arc<dyn Broker>>) -> (Vec<PartExamined>, Option<TopicInfo>) {
    let (mut parts, mut middle) = (Vec::new(), None);
    let Some(broker) = broker else { return (parts, middle) };
    for topic in topics(plan) {
        let trial = async {
            let found = broker.examine_topic(&topic).await?;
            let fact = match &found {
                Some(TopicInfo { partitions: 1, .. }) => "1 partition".to_owned(),
                Some(TopicInfo { partitions, .. }) => format!("{partitions} partitions"),
                None => "there is none yet, the next run makes it".to_owned(),
            };
            middle = middle.take().or(found.filter(|_| *topic.name == *plan.topic.name));
            Ok(Some(fact))
        };
        let examined = Examined::of("is as the file says", trial).await;
        parts.push(PartExamined { part: format!("topic {}", topic.name), examined });
    }
    (parts, middle)
}

async fn examine_source(plan: &Plan, source: &SourcePlan, broker: Option<&Arc<dyn Broker>>) -> Vec<PartExamined> {
    let part = format!("source {}", source.name);
    let (mut parts, mut offsets) = (Vec::new(), SourceOffsets::new());
    if let Some(broker) = broker {
        let trial = async {
            offsets = broker.source_offsets(&plan.name, &source.name).await?;
            Ok(Some(if offsets.is_empty() { "it has not produced yet" } else { "it goes on where it was" }.to_owned()))
        };
        let examined = Examined::of("read where it goes on", trial).await;
        parts.push(PartExamined { part: part.clone(), examined });
    }
    let context = plan.source_context(source, ALONE, offsets);
    parts.extend(examine_plugin(part, &source.plugin, context).await);
    parts
}

/// Whether a sink may read its group, and would go on from what that has committed.
async fn examine_group(plan: &Plan, sink: &SinkPlan, broker: &Arc<dyn Broker>, topic: &TopicInfo) -> Vec<PartExamined> {
    let trial = async {
        let committed = broker.committed(&sink.group, &plan.topic.name).await?;
        let holds = broker.bounds(&plan.topic.name).await?;
        let offsets = SinkOffsets::new(sink, &topic.id, &holds, &committed);
        match offsets.partitions.iter().find_map(|known| known.trouble.as_ref()) {
            Some(trouble) => Err(Error::fatal(format!(
                "a run stops here: {trouble}; `pipeline offsets` shows where, and lets the sink go on elsewhere"
            ))),
            None => {
                let lag: u64 = offsets.partitions.iter().map(|known| known.lag()).sum();
                Ok(Some(format!("{lag} offsets are to come")))
            }
        }
    };
    let examined = Examined::of(format!("read the consumer group {}", sink.group), trial).await;
    vec![PartExamined { part: format!("sink {}", sink.name), examined }]
}

fn examine_plugin(part: String, plugin: &PluginPlan, context: Context) -> BoxFuture<'static, Vec<PartExamined>> {
    let PluginPlan { registration, config } = plugin.clone();
    Box::pin(async move {
        let all: Result<Vec<Examined>> = apart(async move { registration.examine(config, context).await }).await;
        let all = all.unwrap_or_else(|error| vec![Examined { what: "examine it".to_owned(), outcome: Err(error) }]);
        all.into_iter().map(|examined| PartExamined { part: part.clone(), examined }).collect()
    })
}
