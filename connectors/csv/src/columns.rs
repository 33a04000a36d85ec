//! The columns of a source, from the names in its files and the types in the pipeline file.

use pipeline_api::{Error, Result, Schema, nearest};

use crate::column::Column;
use crate::config::{CsvConfig, unknown_column};
use crate::time::{TimeFormat, TimeReader, Zone};

/// The columns `names`, with the types that `types` or else the topic's schema gives them.
pub(crate) fn columns(config: &CsvConfig, topic: &Schema, names: &[String]) -> Result<Vec<Column>> {
    let named = config.types.keys().map(|name| ("types", name));
    for (place, name) in named.chain(config.time.formats.keys().map(|name| ("time.formats", name))) {
        index_of(names, name, place)?;
    }
    let zone = Zone::parse(&config.time.zone).map_err(Error::config)?;
    let column = |name: &String| {
        let field = config.field(name, topic).map_err(|error| Error::config(error.to_string()))?;
        let format = config.time.formats.get(name).unwrap_or(&config.time.format);
        let format = TimeFormat::parse(format).map_err(Error::config)?;
        Column::new(field, TimeReader { format, zone: zone.clone() })
    };
    names.iter().map(column).collect()
}

/// The column `name`, which `place` of the config names. Errors: there is none.
pub(crate) fn index_of(names: &[String], name: &str, place: &str) -> Result<usize> {
    names.iter().position(|column| column == name).ok_or_else(|| {
        let meant = nearest(name, names.iter().map(String::as_str));
        Error::config(format!("{place}: {}", unknown_column(name, meant, names)))
    })
}
