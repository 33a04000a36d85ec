//! Log lines on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::LogFormat;
use super::redaction::Redacted;

/// The environment variable that says what is logged.
const VARIABLE: &str = "PIPELINE_LOG";

/// Of the clients of AWS only what nobody reports: each place where they find no credentials is a warning to them.
const DEFAULT: &str = "warn,aws_config=error";

/// Starts logging. Logs go to standard error, so that standard output holds nothing but what was asked for.
pub(super) fn start(format: LogFormat) {
    let filter = std::env::var(VARIABLE)
        .ok()
        .and_then(|text| EnvFilter::try_new(text).ok())
        .or_else(|| EnvFilter::try_from_default_env().ok())
        .unwrap_or_else(|| EnvFilter::new(DEFAULT));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Redacted(std::io::stderr()));
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
}
