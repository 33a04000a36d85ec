//! From checked values to a plan, or whatever contradicts itself in them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::Schema;
use pipeline_api::{Delivery, Finding, Findings, Severity};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::KafkaCheck;
use super::names::{self, Given};
use super::plugins::Plugins;
use super::pointer::{entry, field};
use super::policies;
use super::problems::Problems;
use super::secrets::Secrets;
use super::spec::{EmbeddedSpec, ErrorsSpec, ReportSpec};
use crate::plan::{BrokerSettings, Plan, PluginPlan, ReportQuery, SinkPlan, SourcePlan, TopicPlan};

/// Makes a plan of the tree, part by part, so that a part with a mistake hides none in another.
pub(super) struct Planner<'a> {
    /// The values of the file, without those that are already known to be wrong.
    pub(super) tree: &'a Value,
    pub(super) plugins: &'a Plugins,
    pub(super) folder: &'a Path,
    pub(super) secrets: &'a Secrets,
    pub(super) problems: &'a mut Problems,
    /// Columns whose type is not known because of a mistake.
    pub(super) doubtful: HashSet<String>,
    /// What is wrong with a `kafka` block; `None` in a program without Kafka.
    pub(super) kafka: Option<KafkaCheck>,
}

/// What keeps the broker's topics in memory.
const IN_MEMORY: &str = "/embedded/in_memory";

impl Planner<'_> {
    /// The plan. `None` if there is an error, which is then among the problems.
    pub(super) async fn plan(mut self) -> Option<Plan> {
        let name = self.name();
        let topic = self.topic();
        let sources = self.sources(topic.as_ref());
        let mut sinks = self.sinks(name.as_deref().unwrap_or("pipeline"), topic.as_ref()).await;
        let delivery = self.delivery();
        let errors = policies::errors(self.part::<ErrorsSpec>("/errors"), topic.as_ref(), self.problems);
        let mut broker = self.broker(name.as_deref().unwrap_or("pipeline"));
        let report = self.report();
        self.check_ends();
        if let (Some(sources), Some(sinks), Some(broker)) = (&sources, &mut sinks, &mut broker) {
            self.share_memory(sources, sinks, broker);
        }
        if self.problems.errors().next().is_some() {
            return None;
        }
        Some(Plan {
            name: name?.into(),
            folder: self.folder.into(),
            delivery,
            sources: sources?,
            topic: topic?,
            sinks: sinks?,
            errors,
            broker: broker?,
            report,
            secrets: self.secrets.redactor(),
        })
    }

    /// The part at `pointer`, as its type. `None` if it is not there, or if something about it is wrong.
    pub(super) fn part<T: DeserializeOwned>(&mut self, pointer: &str) -> Option<T> {
        let value = self.tree.pointer(pointer)?;
        match T::deserialize(value) {
            Ok(part) => Some(part),
            Err(error) => {
                // Whoever reported an error within took the value out of the tree.
                if !self.problems.has_errors_within(pointer) {
                    self.problems.value(pointer, error.to_string());
                }
                None
            }
        }
    }

    /// How many entries the list `name` has.
    pub(super) fn count(&self, name: &str) -> usize {
        self.tree.get(name).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Lets a plugin judge its config, which is at `config_pointer`, for records in `schema`. Returns whether it found no
    /// error.
    pub(super) fn validate(&mut self, plugin: &PluginPlan, config_pointer: &str, schema: &Schema) -> bool {
        let found = self.findings(plugin, schema);
        let good = found.iter().all(|finding| finding.severity != Severity::Error);
        found.into_iter().for_each(|finding| self.problems.finding(config_pointer, finding));
        good
    }

    /// What a plugin says of its config, without what only follows from a column with a wrong type.
    pub(super) fn findings(&self, plugin: &PluginPlan, schema: &Schema) -> Vec<Finding> {
        let mut findings = Findings::default();
        plugin.registration.validate(plugin.config.clone(), schema, &mut findings);
        findings.into_iter().filter(|finding| !self.is_doubtful(&finding.message)).collect()
    }

    /// Whether a message is about a column whose type is not known.
    pub(super) fn is_doubtful(&self, message: &str) -> bool {
        message.split('`').skip(1).step_by(2).any(|quoted| self.doubtful.contains(quoted))
    }

    fn name(&mut self) -> Option<String> {
        let name = self.part::<String>("/name")?;
        if let Err(why) = names::part(&name) {
            self.problems.value("/name", why);
        }
        Some(name)
    }

    /// The least that a source, sink, hook or the broker gives, which a file may ask for less than, but not for more.
    fn delivery(&mut self) -> Delivery {
        let parts = self.plugins.iter().filter_map(|(pointer, plugin)| {
            let delivery = plugin.registration.delivery(plugin.config.clone()).ok()?;
            Some((delivery, pointer.clone(), plugin.registration.type_name()))
        });
        let in_memory = self.tree.pointer(IN_MEMORY) == Some(&Value::Bool(true));
        // After a crash nothing is left of how far the sources were: they start over.
        let broker = in_memory.then(|| (Delivery::AtLeastOnce, IN_MEMORY.to_owned(), "a topic in memory"));
        let weakest = parts.chain(broker).min_by_key(|(delivery, ..)| *delivery);
        let given = weakest.as_ref().map_or(Delivery::ExactlyOnce, |(delivery, ..)| *delivery);
        let Some(asked) = self.part::<Option<Delivery>>("/delivery").flatten() else { return given };
        if let Some((_, pointer, type_name)) = weakest.filter(|_| asked > given) {
            let part = super::pointer::readable(&pointer);
            self.problems.value(
                "/delivery",
                format!("`{asked}` is more than {part} (`{type_name}`) gives, expected `{given}` or less"),
            );
        }
        asked.min(given)
    }

    /// The broker that the topic lives on.
    fn broker(&mut self, pipeline: &str) -> Option<BrokerSettings> {
        if self.has_kafka() {
            return self.cluster().map(BrokerSettings::Kafka);
        }
        let embedded = self.part::<EmbeddedSpec>("/embedded");
        Some(BrokerSettings::Embedded(policies::broker(embedded, pipeline, self.folder, self.problems)))
    }

    fn report(&mut self) -> Vec<ReportQuery> {
        let specs = (0..self.count("report")).filter_map(|index| self.part::<ReportSpec>(&entry("/report", index)));
        specs.map(|spec| ReportQuery { title: spec.title, sql: spec.sql }).collect()
    }

    fn check_ends(&mut self) {
        let misspelt = self.problems.errors().any(|problem| problem.pointer.matches('/').count() == 1);
        if self.count("sources") + self.count("sinks") == 0 && !misspelt {
            self.problems.key("", "the file has neither `sources` nor `sinks`, expected one at least");
        }
    }

    /// The name of the part at `pointer`, which none of the others `before` it has.
    pub(super) fn part_name(
        &mut self,
        pointer: &str,
        given: Option<String>,
        type_name: &str,
        before: &mut Given,
    ) -> Arc<str> {
        let own = given.is_some();
        let name: Arc<str> = given.unwrap_or_else(|| type_name.into()).into();
        let at = if own { field(pointer, "name") } else { field(pointer, "type") };
        if let Err(why) = names::part(&name) {
            self.problems.value(&at, why);
        } else if let Some(other) = before.add(&name) {
            let message = if own {
                format!("another is called `{other}`, expected a name that differs by more than case")
            } else {
                format!("another is called `{name}` too, expected a `name` that tells them apart")
            };
            self.problems.value(&at, message);
        }
        name
    }
}

/// Whatever of a list is there, if all of it is.
pub(super) fn complete<T>(parts: Vec<Option<T>>) -> Option<Vec<T>> {
    parts.into_iter().collect()
}

/// The parts that a planner makes, for the files beside this one.
pub(super) type Sources = Option<Vec<SourcePlan>>;
pub(super) type Sinks = Option<Vec<SinkPlan>>;
pub(super) type Topic<'t> = Option<&'t TopicPlan>;
