//! `pipeline schema`.

use std::io::Write;

use pipeline_api::{Error, Registry};
use pipeline_runtime::file;

use super::Outcome;

pub(super) fn print(registry: &Registry) -> Outcome {
    let text = serde_json::to_string_pretty(&file::schema(registry))
        .map_err(|error| Error::fatal("the schema is no JSON").with_source(error))?;
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
