//! Whether the files of a flush hold what the sink says.

use datafusion::prelude::SessionContext;
use pipeline_api::{Artifact, CheckOutcome, Result};
use pipeline_checks::FilesCounted;

use crate::Table;
use crate::catalog::local_path;
use crate::engine_error::of_query;
use crate::query::{CatalogTable, data_file, empty_session};

/// Counts the records of files.
#[derive(Debug)]
pub(super) struct Written {
    reader: CatalogTable,
    session: Session,
}

/// The engine's session says nothing about itself.
struct Session(SessionContext);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Written {
    pub(super) fn new(table: &Table) -> Result<Self> {
        let without_partitions = Table { partitions: Vec::new(), ..table.clone() };
        let reader = CatalogTable::new(&without_partitions)?;
        Ok(Self { reader, session: Session(empty_session()?) })
    }

    /// Reads back each file. One outcome for all that are right, and one for each that is not.
    pub(super) async fn check(&self, table: &str, artifacts: &[Artifact]) -> Result<Vec<CheckOutcome>> {
        let mut files = FilesCounted::default();
        for artifact in artifacts {
            files.add(table, artifact, self.count(artifact).await?);
        }
        Ok(files.outcomes(table))
    }

    async fn count(&self, artifact: &Artifact) -> Result<Option<u64>> {
        let Some(file) = data_file(&local_path(&artifact.url)?)? else { return Ok(None) };
        let counted = self.reader.count_rows(file, &self.session.0).await;
        counted.map(Some).map_err(|error| of_query(&error, &format!("cannot read back {}", artifact.url)))
    }
}
