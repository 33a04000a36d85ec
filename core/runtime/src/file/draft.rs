//! A file between YAML and plan.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use pipeline_api::{Registry, Severity};
use serde_json::Value;

use super::diagnostics::{self, Diagnostic, Diagnostics, Place};
use super::outline::{Mistake, Outline};
use super::overrides::{self, Untyped};
use super::planner::Planner;
use super::problems::{Aspect, Problem, Problems};
use super::secrets::Secrets;
use super::shape::{Form, Shape};
use super::{Advice, KafkaCheck, LoadOptions, lints, placeholders, plugins, pointer, schema};
use crate::plan::Plan;

/// A file on its way to a plan.
pub(super) struct Draft {
    tree: Value,
    untyped: Untyped,
    secrets: Secrets,
    problems: Problems,
    /// The paths that the command line set, by pointer.
    sets: BTreeMap<String, String>,
    kafka: Option<KafkaCheck>,
    advice: Advice,
}

impl Draft {
    /// What the file says, with what the command line and the environment add.
    pub(super) fn new(outline: &Outline, options: &LoadOptions) -> Self {
        let mut tree = outline.value();
        let (mut untyped, mut secrets, mut problems) = (Untyped::new(), Secrets::default(), Problems::default());
        // First what the command line replaces, so that a placeholder that it replaces need not be known.
        let sets = overrides::apply(&mut tree, &options.sets, &mut untyped, &mut problems);
        placeholders::fill(&mut tree, &options.env, &mut untyped, &mut secrets, &mut problems);
        secrets.add_user_infos(&tree);
        secrets.add_environment(&options.env);
        Self { tree, untyped, secrets, problems, sets, kafka: options.kafka, advice: options.advice }
    }

    /// The plan. `None` if there is an error, which is then among the diagnostics.
    pub(super) async fn plan(&mut self, folder: &Path, registry: &Registry) -> Option<Plan> {
        let Self { tree, untyped, secrets, problems, kafka, advice, .. } = self;
        let form = Form::new(schema::skeleton());
        secrets.add_write_only("", tree, form.schema());
        secrets.add_properties("/kafka", tree);
        Shape { untyped, secrets, problems }.check(tree, "", &form);
        if !tree.is_object() {
            return None;
        }
        let plugins = plugins::look_up(tree, registry, untyped, secrets, problems);
        let tree = without_errors(std::mem::take(tree), problems);
        let doubtful = HashSet::new();
        let planner = Planner {
            tree: &tree,
            plugins: &plugins,
            folder,
            secrets,
            problems: &mut *problems,
            doubtful,
            kafka: *kafka,
        };
        let plan = planner.plan().await?;
        if *advice == Advice::Wanted {
            lints::look_ahead(&plan, problems).await;
        }
        Some(plan)
    }

    /// Everything that was found.
    pub(super) fn diagnostics(self, path: &Path, text: &str, outline: &Outline) -> Diagnostics {
        let Self { secrets, problems, sets, .. } = self;
        let mut list: Vec<Diagnostic> = outline.mistakes().iter().map(|mistake| mistake.place_in(text)).collect();
        let overflowed = problems.overflowed();
        for problem in problems.into_found() {
            let diagnostic = problem.place_in(text, outline, &sets, &secrets);
            // A value without meaning needs no second word on what it lacks.
            if diagnostic.place.is_none()
                || list.iter().all(|known| known.place != diagnostic.place || !known.path.is_empty())
            {
                list.push(diagnostic);
            }
        }
        list.extend(overflowed.then(Diagnostics::more_follow));
        Diagnostics::new(path, &secrets.mask(text, outline), list)
    }
}

/// The tree without the values that are known to be wrong, so that what is right can be looked at further.
fn without_errors(mut tree: Value, problems: &Problems) -> Value {
    for problem in problems.errors() {
        let Some((parent, name)) = pointer::split(&problem.pointer) else { continue };
        match tree.pointer_mut(parent) {
            Some(Value::Object(fields)) => _ = fields.shift_remove(&name),
            Some(Value::Array(entries)) => {
                if let Some(entry) = name.parse::<usize>().ok().and_then(|index| entries.get_mut(index)) {
                    *entry = Value::Null;
                }
            }
            _ => {}
        }
    }
    tree
}

impl Mistake {
    /// At its place in `text`.
    pub(super) fn place_in(&self, text: &str) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            place: Some(Place::of(self.bytes.clone(), text)),
            path: String::new(),
            message: diagnostics::line(&self.message),
            help: None,
        }
    }
}

impl Problem {
    fn place_in(self, text: &str, outline: &Outline, sets: &BTreeMap<String, String>, secrets: &Secrets) -> Diagnostic {
        let set = sets.iter().find(|(set, _)| {
            pointer::is_within(&self.pointer, set)
                || (pointer::is_within(set, &self.pointer) && !outline.has(&self.pointer))
        });
        let bytes = match self.aspect {
            Aspect::Key => outline.key(&self.pointer),
            Aspect::Value => outline.value_or_key(&self.pointer),
        };
        let help = match set {
            Some((_, path)) => Some(format!("the value comes from the command line: `--set {path}=…`")),
            None => self.help,
        };
        Diagnostic {
            severity: self.severity,
            place: set.is_none().then(|| Place::of(bytes, text)),
            path: diagnostics::line(&secrets.redact(&self.pointer, &pointer::readable(&self.pointer))),
            message: diagnostics::line(&secrets.redact(&self.pointer, &self.message)),
            help: help.map(|help| diagnostics::line(&secrets.redact(&self.pointer, &help))),
        }
    }
}
