//! From YAML to a plan, or everything that is wrong with the file.
//!
//! The way of a file, each step in a file of its own: its `text`, its `outline` (what it says and where), values laid over
//! it (`overrides`, `placeholders`), the `shape` of what it says, the `plugins` that it names, and whether all that fits
//! together (`planner`). Nothing is opened but transforms, converters and conditions, which touch nothing.

mod alternatives;
mod bounds;
mod diagnostics;
mod draft;
mod env_file;
mod expectation;
mod fingerprint;
mod kafka;
mod lints;
mod memory;
mod names;
mod outline;
mod outline_builder;
mod overrides;
mod placeholders;
mod planner;
mod plugins;
mod pointer;
mod policies;
mod problems;
mod scalar;
mod schema;
mod secrets;
mod shape;
mod sinks;
mod sources;
pub mod spec;
mod syntax;
mod text;
mod topic;
mod whole_numbers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipeline_api::{Findings, Registry};

pub use self::diagnostics::{Color, Diagnostic, Diagnostics, Place};
pub use self::env_file::read_env_file;
pub use self::schema::schema;

use self::draft::Draft;
use self::outline::Outline;
use self::secrets::mask_unread;
use crate::plan::{KafkaSettings, Plan};

/// What the command line adds to a file. It holds secrets, so it has no `Debug`.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// Values that replace or complete the file's: a dotted path, `sinks.0.flush.rows`, and a scalar as YAML writes it.
    /// They may hold placeholders as the file's own values do.
    pub sets: Vec<(String, String)>,
    /// The variables that `${env:NAME}` stands for.
    pub env: BTreeMap<String, String>,
    /// What is wrong with a file's `kafka` block. `None` in a program that is built without Kafka.
    pub kafka: Option<KafkaCheck>,
    /// Whether what a run would do is looked at too.
    pub advice: Advice,
}

/// Whether to warn of what is right and yet will be regretted: files that are too small, folders that are too many. The first
/// records of data on this machine are looked at for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Advice {
    /// Only the file is looked at.
    #[default]
    Unasked,
    /// A person asks what the file will do.
    Wanted,
}

/// Finds what is wrong with the settings of Kafka clients, without connecting to anything. Pointers are relative to the
/// `kafka` block. The engine knows no Kafka client, so whoever links one says it.
pub type KafkaCheck = fn(&KafkaSettings, &mut Findings);

/// A file in which nothing is wrong.
#[derive(Debug)]
pub struct Loaded {
    /// What it means.
    pub plan: Plan,
    /// What a person should know.
    pub warnings: Diagnostics,
}

/// Reads the pipeline file at `path` with the plugins of `registry`. Nothing runs and nothing is connected to.
///
/// Errors: everything that is wrong with the file. If it is no YAML, only that.
pub async fn load(path: &Path, options: &LoadOptions, registry: &Registry) -> Result<Loaded, Diagnostics> {
    let unreadable = |why: String| Diagnostics::unreadable(path, format!("the file {why}"));
    let text = text::read(path).map_err(unreadable)?;
    let folder = folder_of(path).map_err(|error| unreadable(format!("has no folder: {error}")))?;
    let outline = Outline::read(&text)
        .map_err(|mistake| Diagnostics::new(path, &mask_unread(&text), vec![mistake.place_in(&text)]))?;
    let mut draft = Draft::new(&outline, options);
    let plan = draft.plan(&folder, registry).await;
    let diagnostics = draft.diagnostics(path, &text, &outline);
    match plan {
        Some(plan) if diagnostics.errors() == 0 => Ok(Loaded { plan, warnings: diagnostics }),
        _ => Err(diagnostics),
    }
}

/// The absolute folder of the file.
fn folder_of(path: &Path) -> std::io::Result<PathBuf> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.canonicalize(),
        None => Path::new(".").canonicalize(),
    }
}
