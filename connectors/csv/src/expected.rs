//! What every file of a source must begin with.

use pipeline_api::{Error, Result, Schema};

use crate::config::CsvConfig;
use crate::files::CsvFile;
use crate::header;
use crate::record_reader::Rules;

/// The columns that every file has, and how it tells.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) names: Vec<String>,
    pub(crate) told_by: ToldBy,
}

/// Who names the columns.
#[derive(Clone, Debug)]
pub(crate) enum ToldBy {
    /// The config: files have no header.
    Config,
    /// The header of each file, and it was this file's first.
    Header { of: String },
}

impl Expected {
    /// From the config, or the first header among `files`.
    pub(crate) fn of(config: &CsvConfig, topic: &Schema, files: &[CsvFile], rules: Rules) -> Result<Self> {
        if !config.header {
            return Ok(Self { names: config.columns.clone(), told_by: ToldBy::Config });
        }
        for file in files {
            if let Some(header) = header::read(file, rules)? {
                check_delimiter(config, topic, file, &header.names)?;
                return Ok(Self { names: header.names, told_by: ToldBy::Header { of: file.partition.clone() } });
            }
        }
        if config.follow {
            return Err(Error::retriable(format!("{}: there is no header line yet", config.path)));
        }
        Ok(Self::of_no_files(config, topic))
    }

    /// Files without any line have no records, so that any columns do; those of the topic satisfy whoever reads them.
    fn of_no_files(config: &CsvConfig, topic: &Schema) -> Self {
        let mut names: Vec<String> = topic.fields().iter().map(|field| field.name().clone()).collect();
        names.extend(config.types.keys().filter(|name| topic.field_with_name(name).is_err()).cloned());
        Self { names, told_by: ToldBy::Header { of: "the topic's schema".into() } }
    }
}

/// Errors: the header is one column that another delimiter would split into those of the topic.
fn check_delimiter(config: &CsvConfig, topic: &Schema, file: &CsvFile, names: &[String]) -> Result<()> {
    let [name] = names else { return Ok(()) };
    let known = |part: &&str| topic.field_with_name(part).is_ok() || config.types.contains_key(*part);
    for delimiter in [',', ';', '\t', '|'] {
        let parts: Vec<&str> = name.split(delimiter).collect();
        if parts.len() > 1 && parts.iter().any(known) {
            return Err(Error::config(format!(
                "{}:1:1: the header is one column, `{}`; `delimiter: \"{}\"` makes it {}",
                file.partition,
                name.escape_debug(),
                delimiter.escape_debug(),
                parts.join(", ")
            )));
        }
    }
    Ok(())
}
