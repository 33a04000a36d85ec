//! Which columns are in the files, and which are in the path.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use pipeline_api::{Error, Finding, Findings, RecordBatch, Result, Severity, SinkBatch, nearest, type_text};

use crate::partition_by::{Function, PartitionBy};
use crate::settings::Settings;

/// What becomes of the columns of a record.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The columns in the files.
    pub(crate) file_schema: SchemaRef,
    /// The columns in the path, in its order.
    pub(crate) partition_schema: SchemaRef,
    file_columns: Vec<Column>,
    partition_columns: Vec<(Function, Column)>,
}

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Record(usize),
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
}

impl Layout {
    /// The layout for records of a schema. Errors: the first thing that [`check`](Self::check) finds.
    pub(crate) fn new(settings: &Settings, records: &Schema) -> Result<Self> {
        let mut findings = Findings::default();
        let layout = Self::resolve(settings, records, &mut findings);
        let error = findings.into_iter().find(|finding| finding.severity == Severity::Error);
        match error {
            None => Ok(layout),
            Some(Finding { pointer, message, .. }) => Err(Error::config(format!("{pointer}: {message}"))),
        }
    }

    /// Reports everything that keeps records of a schema from being laid out as the settings say.
    pub(crate) fn check(settings: &Settings, records: &Schema, findings: &mut Findings) {
        Self::resolve(settings, records, findings);
    }

    fn resolve(settings: &Settings, records: &Schema, findings: &mut Findings) -> Self {
        check_types(records, findings);
        let available = available_columns(settings, records, findings);
        let mut partition_fields: Vec<Field> = Vec::new();
        let mut partition_columns = Vec::new();
        for (index, text) in settings.partition_by.iter().enumerate() {
            match resolve_partition(text, &available, &partition_fields) {
                Err(message) => findings.error(format!("/partition_by/{index}"), message),
                Ok((field, function, column)) => {
                    partition_fields.push(field);
                    partition_columns.push((function, column));
                }
            }
        }
        let moved = |column: Column| partition_columns.contains(&(Function::Itself, column));
        let in_file = available.into_iter().filter(|available| !moved(available.column));
        let (file_fields, file_columns): (Vec<Field>, _) = in_file.map(|found| (found.field, found.column)).unzip();
        if file_fields.is_empty() {
            findings.error("/partition_by", "no column is left for the files, leave one out");
        }
        Self {
            file_schema: Arc::new(Schema::new(file_fields)),
            partition_schema: Arc::new(Schema::new(partition_fields)),
            file_columns,
            partition_columns,
        }
    }

    /// Whether files have the columns of the records, all of them and no others, and there is one file for all records.
    pub(crate) fn files_have_the_records_columns(&self) -> bool {
        self.partition_columns.is_empty() && self.file_columns.iter().all(|column| matches!(column, Column::Record(_)))
    }

    /// The columns that are in the files. Errors: a key is no text.
    pub(crate) fn file_records(&self, batch: &SinkBatch) -> Result<RecordBatch> {
        let columns = self.file_columns.iter().map(|column| column.of(batch)).collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::clone(&self.file_schema), columns).map_err(|error| {
            Error::fatal("the records are not in the schema that the sink was opened with").with_source(error)
        })
    }

    /// The columns that are in the path, in its order. Errors: a value has no date.
    pub(crate) fn partition_values(&self, batch: &SinkBatch) -> Result<Vec<ArrayRef>> {
        let named = self.partition_columns.iter().zip(self.partition_schema.fields());
        named
            .map(|((function, column), field)| {
                let values = function.apply(&column.of(batch)?);
                values.map_err(|error| error.context(format!("partition column `{}`", field.name())))
            })
            .collect()
    }
}

impl Column {
    fn of(self, batch: &SinkBatch) -> Result<ArrayRef> {
        let rows = batch.records.num_rows();
        Ok(match self {
            Self::Record(index) => Arc::clone(batch.records.columns().get(index).ok_or_else(|| {
                Error::fatal(format!(
                    "the records have no column {index}, unlike the schema that the sink was opened with"
                ))
            })?),
            Self::Topic => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&*batch.partition.topic, rows))),
            Self::Partition => Arc::new(Int32Array::from_value(batch.partition.partition, rows)),
            Self::Offset => Arc::new(batch.metadata.offsets.clone()),
            Self::Timestamp => cast(&batch.metadata.timestamps, &TIMESTAMP)
                .map_err(|error| Error::fatal("the records' timestamps cannot be read").with_source(error))?,
            Self::Key => Arc::new(StringArray::try_from_binary(batch.metadata.keys.clone()).map_err(|error| {
                Error::data("the record's key is not UTF-8, so it fits no column; leave `key` out of `metadata`")
                    .with_source(error)
            })?),
        })
    }
}

const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// A column that the files may hold and `partition_by` may name.
struct Available {
    field: Field,
    column: Column,
}

/// The columns of the records, and behind them those of the metadata.
fn available_columns(settings: &Settings, records: &Schema, findings: &mut Findings) -> Vec<Available> {
    let own = records.fields().iter().enumerate();
    let mut available: Vec<Available> =
        own.map(|(index, field)| Available { field: field.as_ref().clone(), column: Column::Record(index) }).collect();
    let names = &settings.metadata;
    for (setting, name, column, of, nullable) in [
        ("topic", &names.topic, Column::Topic, DataType::Utf8, false),
        ("partition", &names.partition, Column::Partition, DataType::Int32, false),
        ("offset", &names.offset, Column::Offset, DataType::Int64, false),
        ("timestamp", &names.timestamp, Column::Timestamp, TIMESTAMP, false),
        ("key", &names.key, Column::Key, DataType::Utf8, true),
    ] {
        let Some(name) = name else { continue };
        let pointer = format!("/metadata/{setting}");
        if name.trim().is_empty() {
            findings.error(pointer, format!("the column has no name, such as `kafka_{setting}`"));
        } else if let Some(other) = available.iter().find(|other| other.field.name().eq_ignore_ascii_case(name)) {
            let other = other.field.name();
            findings.error(
                pointer,
                format!("there is a column `{other}` already, choose another name, such as `kafka_{setting}`"),
            );
        } else {
            available.push(Available { field: Field::new(name, of, nullable), column });
        }
    }
    available
}

/// The partition column that an entry of `partition_by` means. Errors: what is wrong with it, and what would be right.
fn resolve_partition(
    text: &str,
    available: &[Available],
    others: &[Field],
) -> Result<(Field, Function, Column), String> {
    let entry = PartitionBy::parse(text)?;
    let found = find(available, &entry.column)?;
    let of = entry.function.result_type(&entry.column, found.field.data_type())?;
    check_name(&entry, available, others)?;
    Ok((Field::new(entry.column_name(), of, found.field.is_nullable()), entry.function, found.column))
}

fn find<'a>(available: &'a [Available], name: &str) -> Result<&'a Available, String> {
    if let Some(found) = available.iter().find(|found| found.field.name() == name) {
        return Ok(found);
    }
    let names = || available.iter().map(|found| found.field.name().as_str());
    Err(match nearest(name, names()) {
        Some(meant) => format!("there is no column `{name}`, did you mean `{meant}`?"),
        None => format!("there is no column `{name}`, expected one of {}", names().collect::<Vec<_>>().join(", ")),
    })
}

/// Errors: the name of the folder cannot stand beside the other columns, or readers would skip it.
fn check_name(entry: &PartitionBy, available: &[Available], others: &[Field]) -> Result<(), String> {
    let name = entry.column_name();
    let same = |other: &&str| other.eq_ignore_ascii_case(name);
    if name.starts_with(['_', '.']) {
        return Err(format!(
            "readers skip folders that begin with `_` or `.`, write `… as {}`",
            name.trim_start_matches(['_', '.'])
        ));
    }
    if others.iter().map(|field| field.name().as_str()).find(same).is_some() {
        return Err(format!("there is a partition column `{name}` already, write `… as` another name"));
    }
    let own = |found: &&Available| entry.function != Function::Itself || found.field.name() != &entry.column;
    match available.iter().filter(own).map(|found| found.field.name().as_str()).find(same) {
        Some(other) => Err(format!("there is a column `{other}` already, write `… as {}_{name}`", entry.column)),
        None => Ok(()),
    }
}

/// Reports columns that a reader cannot tell apart, or cannot read as they are.
fn check_types(records: &Schema, findings: &mut Findings) {
    let mut earlier: HashMap<String, &str> = HashMap::new();
    for field in records.fields() {
        let name = field.name();
        if let Some(other) = earlier.insert(name.to_ascii_lowercase(), name) {
            findings.error(
                "",
                format!("the columns `{other}` and `{name}` are one to a reader, which ignores case; rename one"),
            );
        }
        if let Some(foreign) = foreign_type(field.data_type()) {
            let of = type_text(foreign);
            findings.error(
                "",
                format!(
                    "column `{name}`: {of} cannot be written so that every reader agrees; `cast` it in a transform"
                ),
            );
        }
        if has_micros(field.data_type()) {
            let message = format!(
                "column `{name}`: Athena shows a timestamp(6) rounded to milliseconds, so .999999 becomes the next second \
                 and perhaps the next day; timestamp is exact"
            );
            findings.warning("", message);
        }
    }
}

/// The part of a type for which a pipeline file has no word: unsigned, half floats, times, zones.
fn foreign_type(of: &DataType) -> Option<&DataType> {
    match of {
        DataType::List(item) => foreign_type(item.data_type()),
        DataType::Struct(fields) => nested(fields).find_map(foreign_type),
        _ => pipeline_api::parse_type(&type_text(of)).is_err().then_some(of),
    }
}

fn has_micros(of: &DataType) -> bool {
    match of {
        DataType::List(item) => has_micros(item.data_type()),
        DataType::Struct(fields) => nested(fields).any(has_micros),
        _ => matches!(of, DataType::Timestamp(TimeUnit::Microsecond, _)),
    }
}

fn nested(fields: &Fields) -> impl Iterator<Item = &DataType> {
    fields.iter().map(|field| field.data_type())
}

/// The value of one row as text; `None` is null.
pub(crate) fn text_at(values: &ArrayRef, row: usize) -> Result<Option<String>> {
    let text = cast(&values.slice(row, 1), &DataType::Utf8)
        .map_err(|error| Error::data("a partition value has no text").with_source(error))?;
    let text = text.as_string::<i32>();
    Ok(text.is_valid(0).then(|| text.value(0).to_owned()))
}
