//! Which plugins there are.

use std::collections::BTreeMap;
use std::fmt;

use arrow::datatypes::Schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::unopened::{OpenFn, Unopened, UnopenedHook, UnopenedSink, UnopenedSource};
use crate::{Condition, Context, Converter, Delivery, Error, Findings, Hook, Plugin, Result, Sink, Source, Transform};

/// The kinds of plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// See [`Source`].
    Source,
    /// See [`Transform`].
    Transform,
    /// See [`Converter`].
    Converter,
    /// See [`Sink`].
    Sink,
    /// See [`Hook`].
    Hook,
    /// See [`Condition`].
    Condition,
}

impl Kind {
    /// Every kind, in the order in which a record meets them.
    pub const ALL: [Kind; 6] =
        [Self::Source, Self::Transform, Self::Condition, Self::Converter, Self::Sink, Self::Hook];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Transform => "transform",
            Self::Converter => "converter",
            Self::Sink => "sink",
            Self::Hook => "hook",
            Self::Condition => "condition",
        })
    }
}

/// A plugin with its type erased: what the runtime knows of it.
pub struct Registration {
    type_name: &'static str,
    crate_name: &'static str,
    config_schema: fn() -> Value,
    validate: fn(Value, &Schema, &mut Findings),
    delivery: fn(Value) -> Result<Delivery>,
    open: Open,
    unopened: Unopened,
}

enum Open {
    Source(OpenFn<Box<dyn Source>>),
    Transform(OpenFn<Box<dyn Transform>>),
    Converter(OpenFn<Box<dyn Converter>>),
    Sink(OpenFn<Box<dyn Sink>>),
    Hook(OpenFn<Box<dyn Hook>>),
    Condition(OpenFn<Box<dyn Condition>>),
}

/// Generates, for one kind, the constructor of a registration and the call that opens a plugin of that kind.
macro_rules! kind {
    ($constructor:ident, $open:ident, $kind:ident, $describe:literal, $unopened:expr) => {
        #[doc = concat!("The registration of a ", $describe, "; `crate_name` is the crate that it comes from.")]
        pub const fn $constructor<P: Plugin + $kind>(crate_name: &'static str) -> Self {
            let open = Open::$kind(|config, context| {
                Box::pin(async move { Ok(Box::new(P::open(parse::<P>(config)?, context).await?) as Box<dyn $kind>) })
            });
            Self::new::<P>(crate_name, open, $unopened)
        }

        #[doc = concat!("Opens the ", $describe, ".")]
        pub async fn $open(&self, config: Value, context: Context) -> Result<Box<dyn $kind>> {
            match &self.open {
                Open::$kind(open) => open(config, context).await,
                _ => Err(Error::config(format!("`{}` is a {}, not a {}", self.type_name, self.kind(), $describe))),
            }
        }
    };
}

impl Registration {
    kind!(source, open_source, Source, "source", Unopened::Source(UnopenedSource::of::<P>()));
    kind!(transform, open_transform, Transform, "transform", Unopened::Nothing);
    kind!(converter, open_converter, Converter, "converter", Unopened::Nothing);
    kind!(sink, open_sink, Sink, "sink", Unopened::Sink(UnopenedSink::of::<P>()));
    kind!(hook, open_hook, Hook, "hook", Unopened::Hook(UnopenedHook::of::<P>()));
    kind!(condition, open_condition, Condition, "condition", Unopened::Nothing);

    const fn new<P: Plugin>(crate_name: &'static str, open: Open, unopened: Unopened) -> Self {
        Self {
            type_name: P::TYPE,
            crate_name,
            config_schema: || {
                let generator =
                    SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
                generator.into_root_schema_for::<P::Config>().to_value()
            },
            validate: |config, records, findings| match parse_located::<P>(config) {
                Ok(config) => P::validate(&config, records, findings),
                Err((pointer, message)) => findings.error(pointer, message),
            },
            delivery: |config| Ok(P::delivery(&parse::<P>(config)?)),
            open,
            unopened,
        }
    }

    /// The word after `type:`.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The crate that it comes from.
    pub fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// What kind of plugin it is.
    pub fn kind(&self) -> Kind {
        match self.open {
            Open::Source(_) => Kind::Source,
            Open::Transform(_) => Kind::Transform,
            Open::Converter(_) => Kind::Converter,
            Open::Sink(_) => Kind::Sink,
            Open::Hook(_) => Kind::Hook,
            Open::Condition(_) => Kind::Condition,
        }
    }

    /// The JSON Schema (draft 2020-12) of its config, with the doc comments as descriptions and nothing behind `$ref`.
    pub fn config_schema(&self) -> Value {
        (self.config_schema)()
    }

    /// See [`Plugin::validate`]. A config of the wrong shape is a finding.
    pub fn validate(&self, config: Value, records: &Schema, findings: &mut Findings) {
        (self.validate)(config, records, findings);
    }

    /// See [`Plugin::delivery`].
    pub fn delivery(&self, config: Value) -> Result<Delivery> {
        (self.delivery)(config)
    }

    /// What can be asked of it without opening it.
    pub(crate) fn unopened(&self) -> &Unopened {
        &self.unopened
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind(), self.type_name, self.crate_name)
    }
}

/// The config. Errors: it does not fit, and where.
pub(crate) fn parse<P: Plugin>(config: Value) -> Result<P::Config> {
    parse_located::<P>(config).map_err(|(pointer, message)| Error::config(format!("{}{pointer}: {message}", P::TYPE)))
}

/// The config, or a JSON pointer to what does not fit, and why.
fn parse_located<P: Plugin>(config: Value) -> Result<P::Config, (String, String)> {
    serde_path_to_error::deserialize(config).map_err(|error| {
        let pointer = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                serde_path_to_error::Segment::Map { key } => {
                    Some(format!("/{}", key.replace('~', "~0").replace('/', "~1")))
                }
                _ => None,
            })
            .collect();
        (pointer, error.into_inner().to_string())
    })
}

/// All plugins that a program knows. `inventory` only fills it; tests and embedders build one by hand.
#[derive(Debug, Default)]
pub struct Registry(BTreeMap<(Kind, &'static str), &'static Registration>);

/// One [`Registration`], as [`register!`](crate::register) submits it.
#[derive(Debug)]
pub struct Submission(pub &'static Registration);

inventory::collect!(Submission);

impl Registry {
    /// The plugins that are linked into this program. Errors: two of one kind have the same name.
    pub fn linked() -> Result<Self> {
        Self::of(inventory::iter::<Submission>.into_iter().map(|submission| submission.0))
    }

    /// The given plugins. Errors: two of one kind have the same name.
    pub fn of(registrations: impl IntoIterator<Item = &'static Registration>) -> Result<Self> {
        let mut registry = BTreeMap::new();
        for registration in registrations {
            if let Some(other) = registry.insert((registration.kind(), registration.type_name), registration) {
                return Err(Error::config(format!(
                    "two {}s are called `{}`: one in the crate {}, one in {}; remove one of them",
                    registration.kind(),
                    registration.type_name,
                    other.crate_name,
                    registration.crate_name
                )));
            }
        }
        Ok(Self(registry))
    }

    /// The plugin of that kind and name.
    pub fn get(&self, kind: Kind, type_name: &str) -> Option<&'static Registration> {
        self.0.iter().find(|((of, name), _)| *of == kind && *name == type_name).map(|(_, registration)| *registration)
    }

    /// All plugins of one kind, by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'static Registration> {
        self.0.values().copied().filter(move |registration| registration.kind() == kind)
    }

    /// All plugins, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Registration> {
        self.0.values().copied()
    }
}

/// Announces a plugin to every program that links its crate: `register!(sink, S3Parquet);`.
///
/// The kind is one of `source`, `transform`, `converter`, `sink`, `hook` and `condition`. A program links a crate by
/// `use the_crate as _;`.
#[macro_export]
macro_rules! register {
    ($kind:ident, $plugin:ty) => {
        const _: () = {
            static REGISTRATION: $crate::Registration = $crate::Registration::$kind::<$plugin>(env!("CARGO_PKG_NAME"));
            $crate::__inventory::submit! { $crate::Submission(&REGISTRATION) }
        };
    };
}
