//! The one door for every kind of plugin.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Dataset, Delivery, Findings, Result, SourceOffsets};

/// A type that a pipeline file can name. It also implements the trait of its kind, and is announced by
/// [`register!`](crate::register).
#[async_trait]
pub trait Plugin: Sized + Send + 'static {
    /// The word after `type:`, in `snake_case`: a noun, or a verb for a transform.
    const TYPE: &'static str;

    /// What stands under `config:`. Its doc comments are the reference documentation (`pipeline plugins NAME`): say on the
    /// struct what the plugin does, with an example in a `yaml` code block. Mark it `deny_unknown_fields`.
    type Config: DeserializeOwned + JsonSchema + Send;

    /// Reports everything that is wrong with `config` beyond its shape. Called before anything runs, offline: it is pure,
    /// and neither reads a file nor connects to anything.
    ///
    /// `records` is the schema of the records that a transform, sink or hook will get; for a source it is the schema of
    /// the topic; for a condition that of the records it will judge.
    fn validate(_config: &Self::Config, _records: &Schema, _findings: &mut Findings) {}

    /// The strongest guarantee that this plugin gives with this config. Transforms, converters and conditions are pure
    /// functions and never weaken a pipeline.
    fn delivery(_config: &Self::Config) -> Delivery {
        Delivery::ExactlyOnce
    }

    /// Makes the plugin ready. This is the only place that connects to anything or opens a file; for a transform, a
    /// converter and a condition it does neither, because `pipeline validate` opens them too.
    ///
    /// Errors: [`Config`](crate::ErrorKind::Config) for what only the outside world can tell (a file that is not there),
    /// [`Retriable`](crate::ErrorKind::Retriable) if it may work later.
    async fn open(config: Self::Config, context: Context) -> Result<Self>;
}

/// Which of several equal tasks this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// What the runtime tells a plugin when it opens it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The pipeline's name.
    pub pipeline: Arc<str>,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The name of this part of the file: the sink's name, or the source's.
    pub name: Arc<str>,
    /// Which task this is. Work is divided by it.
    pub task: Task,
    /// The schema of the records that a transform, sink, hook, converter or condition will get, without partition
    /// columns being taken out. For a source: the schema of the topic, whose types it should deliver by column name.
    pub schema: SchemaRef,
    /// For a source: where to resume, over all its tasks. There may have been another number of tasks then. Empty at the
    /// first start, and for other kinds.
    pub offsets: SourceOffsets,
    /// For a hook: where its sink's records lie. `None` for a sink that leaves nothing to be read back, and other kinds.
    pub dataset: Option<Dataset>,
    /// The folder of the pipeline file, which relative paths start from.
    pub folder: PathBuf,
}

impl Context {
    /// A context for the only task of a part called `name`, on a topic of that name, with paths relative to the current
    /// folder.
    pub fn new(name: &str, schema: SchemaRef) -> Self {
        Self {
            pipeline: name.into(),
            topic: name.into(),
            name: name.into(),
            task: Task { index: 0, of: 1 },
            schema,
            offsets: SourceOffsets::new(),
            dataset: None,
            folder: PathBuf::new(),
        }
    }

    /// `path` as the file means it: relative to the folder of the pipeline file.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }
}
