//! What is measured.

use anyhow::{Result, bail};

use crate::bare::Loop;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Ours(Ours),
    Bare(Loop),
    BareCsv,
    Redpanda(Redpanda),
    Python,
}

/// What `pipeline run` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Json,
    Parquet,
    Transform,
    Csv,
}

/// What Redpanda Connect does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redpanda {
    Json,
    Parquet,
    Csv,
}

/// Whom people would use instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Redpanda,
    Python,
}

/// What a run leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    Nothing,
    Objects,
    Records,
}

impl Work {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let ours = [Ours::Json, Ours::Parquet, Ours::Transform, Ours::Csv].map(Self::Ours);
        let redpanda = [Redpanda::Json, Redpanda::Parquet, Redpanda::Csv].map(Self::Redpanda);
        let others = redpanda.into_iter().chain([Self::Python]);
        ours.into_iter().chain(Loop::ALL.map(Self::Bare)).chain([Self::BareCsv]).chain(others)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours(Ours::Json) => "pipeline_json",
            Self::Ours(Ours::Parquet) => "pipeline_parquet",
            Self::Ours(Ours::Transform) => "pipeline_transform",
            Self::Ours(Ours::Csv) => "pipeline_csv",
            Self::Bare(bare) => bare.name(),
            Self::BareCsv => "bare_csv",
            Self::Redpanda(Redpanda::Json) => "redpanda_json",
            Self::Redpanda(Redpanda::Parquet) => "redpanda_parquet",
            Self::Redpanda(Redpanda::Csv) => "redpanda_csv",
            Self::Python => "python_parquet",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ours(Ours::Json) => "`pipeline run`: Kafka → JSON lines zstd",
            Self::Ours(Ours::Parquet) => "`pipeline run`: Kafka → Parquet zstd",
            Self::Ours(Ours::Transform) => "`pipeline run`: Kafka → `sql` → Parquet zstd",
            Self::Ours(Ours::Csv) => "`pipeline run`: CSV → Kafka",
            Self::Bare(Loop::Poll) => "bare loop: poll",
            Self::Bare(Loop::Batch) => "bare loop: batch",
            Self::Bare(Loop::Decode) => "bare loop: batch, decode",
            Self::Bare(Loop::Parquet) => "bare loop: batch, decode, Parquet zstd",
            Self::Bare(Loop::ParquetPut) => "bare loop: batch, decode, Parquet zstd, PUT",
            Self::Bare(Loop::Json) => "bare loop: batch, JSON lines zstd",
            Self::Bare(Loop::JsonPut) => "bare loop: batch, JSON lines zstd, PUT",
            Self::BareCsv => "bare loop: CSV → Kafka in transactions",
            Self::Redpanda(Redpanda::Json) => "Redpanda Connect: Kafka → JSON lines plain",
            Self::Redpanda(Redpanda::Parquet) => "Redpanda Connect: Kafka → Parquet zstd",
            Self::Redpanda(Redpanda::Csv) => "Redpanda Connect: CSV → Kafka, typed",
            Self::Python => "Python: Kafka → Parquet zstd",
        }
    }

    /// Who must be asked for.
    pub(crate) fn peer(self) -> Option<Peer> {
        match self {
            Self::Redpanda(_) => Some(Peer::Redpanda),
            Self::Python => Some(Peer::Python),
            _ => None,
        }
    }

    pub(crate) fn leaves(self) -> Leaves {
        match self {
            Self::Ours(Ours::Csv) | Self::BareCsv | Self::Redpanda(Redpanda::Csv) => Leaves::Records,
            Self::Bare(Loop::ParquetPut | Loop::JsonPut) => Leaves::Objects,
            Self::Bare(_) => Leaves::Nothing,
            _ => Leaves::Objects,
        }
    }

    /// Whether it must leave every row once. Peers that only promise at least once may leave more.
    pub(crate) fn is_exact(self) -> bool {
        self.peer().is_none()
    }
}

impl Peer {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        match name {
            "redpanda" => Ok(Self::Redpanda),
            "python" => Ok(Self::Python),
            _ => bail!("{name} is no peer, expected redpanda or python"),
        }
    }
}
