//! What is wrong with checks, before anything runs.

use pipeline_api::{Findings, Schema, Severity};
use pipeline_checks::check_name;

use super::config::SqlCheckConfig;
use crate::DEFAULT_CATALOG;

/// Reports what is wrong. A name that resembles no column is only doubtful here, and is refused when the hook opens.
pub(super) fn validate(config: &SqlCheckConfig, records: &Schema, findings: &mut Findings) {
    if let Err(message) = check_name("table", &config.table) {
        findings.error("/table", message);
    }
    if config.catalog.trim().is_empty() {
        findings.error("/catalog", format!("expected a folder, such as {DEFAULT_CATALOG}"));
    }
    pipeline_checks::validate(&config.checks, records, Severity::Warning, findings);
}
