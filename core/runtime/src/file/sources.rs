//! The sources' part of a plan.

use super::names::Given;
use super::planner::{Planner, Sources, Topic, complete};
use super::pointer::{entry, field};
use super::spec::{SourceSpec, TransformSpec};
use crate::plan::{SourcePlan, TransformPlan};

impl Planner<'_> {
    /// The sources. `None` if one of them is wrong.
    pub(super) fn sources(&mut self, topic: Topic<'_>) -> Sources {
        let mut names = Given::default();
        let mut plans = Vec::new();
        for index in 0..self.count("sources") {
            let at = entry("/sources", index);
            let Some(spec) = self.part::<SourceSpec>(&at) else {
                plans.push(None);
                continue;
            };
            let name = self.part_name(&at, spec.name, &spec.plugin, &mut names);
            let transforms = self.transforms(&at, &spec.transforms);
            self.check_source_transforms(&at, transforms.as_deref().unwrap_or_default());
            let plugin = self.plugins.get(&at).cloned();
            if let (Some(plugin), Some(topic)) = (&plugin, topic) {
                self.validate(plugin, &field(&at, "config"), &topic.schema);
            }
            plans.push(plugin.zip(transforms).map(|(plugin, transforms)| SourcePlan {
                name,
                tasks: spec.tasks,
                plugin,
                transforms,
            }));
        }
        complete(plans)
    }

    /// The transforms of the part at `part`. `None` if one of them is wrong.
    pub(super) fn transforms(&self, part: &str, specs: &[TransformSpec]) -> Option<Vec<TransformPlan>> {
        let list = field(part, "transforms");
        let plan = |(index, spec): (usize, &TransformSpec)| {
            let at = entry(&list, index);
            let when = match &spec.when {
                Some(_) => Some(self.plugins.get(&field(&at, "when"))?.clone()),
                None => None,
            };
            Some(TransformPlan { plugin: self.plugins.get(&at)?.clone(), when })
        };
        specs.iter().enumerate().map(plan).collect()
    }

    /// What can be known of a source's transforms offline, where nobody knows what the source will deliver: whether their
    /// configs can be read.
    fn check_source_transforms(&mut self, part: &str, transforms: &[TransformPlan]) {
        for (index, transform) in transforms.iter().enumerate() {
            if let Err(error) = transform.plugin.registration.delivery(transform.plugin.config.clone()) {
                let at = field(&entry(&field(part, "transforms"), index), "config");
                self.problems.value(at, error.to_string());
            }
        }
    }
}
