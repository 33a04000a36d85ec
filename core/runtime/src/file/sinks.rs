//! The sinks' part of a plan.

use std::sync::Arc;

use arrow::datatypes::Schema;
use pipeline_api::{Context, Dataset, Finding, Findings, SchemaRef, Severity};

use super::fingerprint::fingerprint;
use super::names::Given;
use super::planner::{Planner, Sinks, Topic, complete};
use super::pointer::{entry, field, readable};
use super::policies;
use super::spec::{PluginSpec, SinkSpec};
use crate::TransformChain;
use crate::metadata_columns::{behind_topic, without_metadata};
use crate::plan::{PluginPlan, SinkPlan, TopicPlan, TransformPlan};

impl Planner<'_> {
    /// The sinks. `None` if one of them is wrong.
    pub(super) async fn sinks(&mut self, pipeline: &str, topic: Topic<'_>) -> Sinks {
        let mut names = Given::default();
        let mut plans: Vec<Option<SinkPlan>> = Vec::new();
        for index in 0..self.count("sinks") {
            let at = entry("/sinks", index);
            let Some(spec) = self.part::<SinkSpec>(&at) else {
                plans.push(None);
                continue;
            };
            let name = self.part_name(&at, spec.name.clone(), &spec.plugin, &mut names);
            self.check_group(&at, &name);
            let plan = match topic {
                Some(topic) => self.sink(&at, pipeline, name, spec, topic).await,
                None => None,
            };
            if let Some(dataset) = plan.as_ref().and_then(|plan| plan.dataset.as_ref()) {
                self.check_place(&at, dataset, &plans);
            }
            plans.push(plan);
        }
        complete(plans)
    }

    async fn sink(
        &mut self,
        at: &str,
        pipeline: &str,
        name: Arc<str>,
        spec: SinkSpec,
        topic: &TopicPlan,
    ) -> Option<SinkPlan> {
        self.check_tasks(at, spec.tasks, topic);
        let flush = policies::flush(&spec.flush);
        let plugin = self.plugins.get(at).cloned();
        let hooks = self.hooks(at, &spec.hooks);
        let transforms = self.transforms(at, &spec.transforms)?;
        let context = Context {
            pipeline: pipeline.into(),
            topic: topic.name.clone(),
            folder: self.folder.into(),
            ..Context::new(&name, behind_topic(&topic.schema))
        };
        let schema = self.open_transforms(at, &transforms, context.clone()).await?;
        for (index, hook) in hooks.iter().enumerate() {
            if let Some(hook) = hook {
                self.validate(hook, &field(&entry(&field(at, "hooks"), index), "config"), &schema);
            }
        }
        let plugin = plugin.filter(|plugin| self.validate(plugin, &field(at, "config"), &schema))?;
        let dataset = self.dataset(at, &plugin, &Context { schema: schema.clone(), ..context })?;
        let reconcile = spec.reconcile.as_ref().map(policies::reconcile);
        if reconcile.is_some() && dataset.is_none() {
            let message = format!("has no use here: `{}` leaves no files that could be compared", spec.plugin);
            self.problems.key(field(at, "reconcile"), message);
        }
        if let Some(dataset) = &dataset {
            self.validate_dataset(at, &hooks, dataset);
        }
        Some(SinkPlan {
            group: format!("{pipeline}.{name}"),
            name,
            tasks: spec.tasks,
            fingerprint: fingerprint(&plugin, &transforms, topic),
            plugin,
            transforms,
            schema,
            dataset,
            flush,
            hooks: complete(hooks)?,
            reconcile,
        })
    }

    fn hooks(&self, sink: &str, specs: &[PluginSpec]) -> Vec<Option<PluginPlan>> {
        let list = field(sink, "hooks");
        (0..specs.len()).map(|index| self.plugins.get(&entry(&list, index)).cloned()).collect()
    }

    /// Lets the hooks judge where the records will lie.
    fn validate_dataset(&mut self, sink: &str, hooks: &[Option<PluginPlan>], dataset: &Dataset) {
        for (index, hook) in hooks.iter().enumerate() {
            let Some(hook) = hook else { continue };
            let mut findings = Findings::default();
            hook.registration.validate_dataset(hook.config.clone(), dataset, &mut findings);
            let config = field(&entry(&field(sink, "hooks"), index), "config");
            findings.into_iter().for_each(|finding| self.problems.finding(&config, finding));
        }
    }

    /// Opens the transforms one by one, each on the records that the one before it leaves. Returns the records that the
    /// sink gets; `None` if a transform does not fit.
    async fn open_transforms(&mut self, sink: &str, plans: &[TransformPlan], context: Context) -> Option<SchemaRef> {
        let mut schema = context.schema.clone();
        for (index, plan) in plans.iter().enumerate() {
            let at = entry(&field(sink, "transforms"), index);
            let fits = self.validate(&plan.plugin, &field(&at, "config"), &schema);
            let holds =
                plan.when.as_ref().is_none_or(|when| self.validate_condition(when, &field(&at, "when"), &schema));
            if !fits || !holds {
                return None;
            }
            let context = Context { schema, ..context.clone() };
            match TransformChain::open(std::slice::from_ref(plan), &context).await {
                Ok(chain) => schema = chain.schema(),
                Err((_, error)) => {
                    let message = format!("{error:#}");
                    if !self.is_doubtful(&message) {
                        self.problems.key(at, message);
                    }
                    return None;
                }
            }
        }
        let schema = without_metadata(&schema);
        self.check_columns(sink, &schema).then_some(schema)
    }

    /// A condition's config is one text of the file, so that whatever is wrong with it stands there.
    fn validate_condition(&mut self, condition: &PluginPlan, at: &str, schema: &Schema) -> bool {
        let found = self.findings(condition, schema);
        let good = found.iter().all(|finding| finding.severity != Severity::Error);
        for finding in found {
            self.problems.finding(at, Finding { pointer: String::new(), ..finding });
        }
        good
    }

    fn check_columns(&mut self, sink: &str, schema: &Schema) -> bool {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let at = field(sink, "transforms");
        if names.is_empty() {
            self.problems.key(&at, "leave no column, expected one at least");
            return false;
        }
        let mut given = Given::default();
        for name in names {
            if let Some(other) = given.add(name) {
                let why =
                    format!("leave `{other}` and `{name}`, which tables do not tell apart; expected another name");
                self.problems.key(&at, why);
                return false;
            }
        }
        true
    }

    fn check_group(&mut self, sink: &str, name: &str) {
        if name.eq_ignore_ascii_case("sources") {
            let message = "`sources` is the name of the sources' own consumer group, expected another name";
            self.problems.value(field(sink, "name"), message);
        }
    }

    fn check_tasks(&mut self, sink: &str, tasks: u32, topic: &TopicPlan) {
        // How many partitions a topic has that somebody else made is not known here.
        let known = !self.has_kafka() || self.tree.pointer("/topic/partitions").is_some();
        if known && i64::from(tasks) > i64::from(topic.partitions) {
            let partitions = topic.partitions;
            let message = format!("{tasks} tasks share {partitions} partitions, so that some have nothing to do");
            self.problems.warning(field(sink, "tasks"), message);
        }
    }

    /// Where the records will lie. `None` if the sink cannot say, which is then reported.
    fn dataset(&mut self, sink: &str, plugin: &PluginPlan, context: &Context) -> Option<Option<Dataset>> {
        match plugin.registration.dataset(plugin.config.clone(), context) {
            Ok(dataset) => Some(dataset),
            Err(error) => {
                let message = format!("{error:#}");
                if !self.is_doubtful(&message) {
                    self.problems.value(field(sink, "config"), message);
                }
                None
            }
        }
    }

    /// Everything below a dataset's location is its data, so no two may share one.
    fn check_place(&mut self, sink: &str, dataset: &Dataset, before: &[Option<SinkPlan>]) {
        let place = &dataset.location;
        for (index, other) in before.iter().enumerate() {
            let Some(taken) = other.as_ref().and_then(|plan| plan.dataset.as_ref()) else { continue };
            if place.starts_with(&taken.location) || taken.location.starts_with(place) {
                let other = readable(&entry("/sinks", index));
                let message = format!("writes below `{place}`, and so does {other}; expected a place of its own");
                self.problems.key(field(sink, "config"), message);
                return;
            }
        }
    }
}
