//! Reads records from standard input.

use arrow::array::BinaryBuilder;
use arrow::datatypes::Schema;
use pipeline_api::{
    Bytes, Context, Converter, Delivery, Error, Findings, Plugin, Rejected, Result, SchemaRef, Source, SourceBatch,
    SourceOffsets, async_trait, register, type_text,
};
use pipeline_json::{JsonConverter, UnknownFields};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::csv_lines::CsvLines;
use crate::lines::{Input, LONGEST, Lines};

/// Reads records from standard input, one a line, in the columns of the topic: to type records, or to pipe them in.
///
/// Blank lines are skipped. A line that is no record goes the way of `errors.tolerance`, with its place, such as `stdin:17`.
/// Standard input cannot be read twice: what was read and is not yet on the topic is lost in a crash. The input ends
/// with Ctrl-D, or with the file that is piped in.
///
/// ```yaml
/// - type: console
///   config: { format: csv, columns: [symbol, price] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSourceConfig {
    /// What a line is.
    #[serde(default)]
    pub format: SourceFormat,
    /// For CSV, the columns of a line. Default: the first line names them.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// For CSV, what stands between two fields: one ASCII character.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// What happens to a field or column that the topic does not have: `strict` refuses it, `ignore` leaves it out.
    #[serde(default = "strict")]
    pub unknown_fields: UnknownFields,
}

/// What a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceFormat {
    /// A JSON object.
    #[default]
    Json,
    /// Fields between delimiters, in double quotes where they hold one. An empty field is null. Each type accepts what it
    /// accepts in JSON; a record with a line end within quotes is refused.
    Csv,
}

fn comma() -> char {
    ','
}

fn strict() -> UnknownFields {
    UnknownFields::Strict
}

/// The source `console`.
pub struct ConsoleSource {
    /// `None` in all tasks but the first: there is one standard input.
    input: Option<Input>,
    schema: SchemaRef,
    converter: JsonConverter,
    lines: LineFormat,
}

/// How a line becomes a JSON object.
enum LineFormat {
    Json,
    /// CSV, whose header has not come yet.
    Header(u8, UnknownFields),
    Csv(Box<CsvLines>),
}

register!(source, ConsoleSource);

#[async_trait]
impl Plugin for ConsoleSource {
    const TYPE: &'static str = "console";
    type Config = ConsoleSourceConfig;

    fn validate(config: &ConsoleSourceConfig, records: &Schema, findings: &mut Findings) {
        match config.format {
            SourceFormat::Json => config.validate_json(findings),
            SourceFormat::Csv => config.validate_csv(records, findings),
        }
    }

    fn delivery(_: &ConsoleSourceConfig) -> Delivery {
        Delivery::AtMostOnce
    }

    async fn open(config: ConsoleSourceConfig, context: Context) -> Result<Self> {
        let input = if context.task.index == 0 { Some(Input::stdin()?) } else { None };
        Self::of(config, context.schema, input)
    }
}

impl ConsoleSourceConfig {
    fn validate_json(&self, findings: &mut Findings) {
        if self.columns.is_some() {
            findings.error("/columns", "a JSON object names its columns itself, expected this with `format: csv` only");
        }
        if self.delimiter != comma() {
            findings.error("/delimiter", "JSON has no delimiter, expected this with `format: csv` only");
        }
    }

    fn validate_csv(&self, records: &Schema, findings: &mut Findings) {
        if !is_delimiter(self.delimiter) {
            let found = self.delimiter.escape_default();
            findings.error("/delimiter", format!("`{found}` cannot be a delimiter, expected one such as `,` or `;`"));
        }
        for field in records.fields().iter().filter(|field| field.data_type().is_nested()) {
            let of = type_text(field.data_type());
            findings
                .error("/format", format!("CSV has no form for `{}` of the type {of}, expected json", field.name()));
        }
        let Some(columns) = &self.columns else { return };
        if columns.is_empty() {
            findings.error("/columns", "no column is named, expected at least one");
        }
        if let Err(mistakes) = CsvLines::new(columns, records, self.unknown_fields, b',') {
            for (index, reason) in mistakes {
                findings.error(format!("/columns/{index}"), reason);
            }
        }
    }
}

fn is_delimiter(delimiter: char) -> bool {
    delimiter == '\t' || delimiter.is_ascii() && !delimiter.is_ascii_control() && delimiter != '"'
}

impl ConsoleSource {
    fn of(config: ConsoleSourceConfig, schema: SchemaRef, input: Option<Input>) -> Result<Self> {
        let unknown = config.unknown_fields;
        let delimiter = u8::try_from(config.delimiter).map_err(|_| {
            Error::config(format!("`{}` is no ASCII character, expected a delimiter such as `,`", config.delimiter))
        })?;
        let lines = match (config.format, config.columns) {
            (SourceFormat::Json, _) => LineFormat::Json,
            (SourceFormat::Csv, None) => LineFormat::Header(delimiter, unknown),
            (SourceFormat::Csv, Some(columns)) => {
                LineFormat::Csv(Box::new(CsvLines::new(&columns, &schema, unknown, delimiter).map_err(wrong_columns)?))
            }
        };
        let converter = JsonConverter::new(schema.clone(), unknown)?;
        Ok(Self { input, schema, converter, lines })
    }

    fn decode(&mut self, lines: &Lines) -> Result<SourceBatch> {
        let mut rejected = Vec::new();
        let mut values = BinaryBuilder::new();
        let mut decoded = Vec::new();
        let mut json = Vec::new();
        for (number, line, is_cut) in lines.iter() {
            if is_cut {
                rejected.push((number, refused(number, line, format!("the line is longer than {LONGEST} bytes"))));
                continue;
            }
            match &mut self.lines {
                LineFormat::Json => values.append_value(line),
                LineFormat::Header(delimiter, unknown) => {
                    self.lines = LineFormat::Csv(Box::new(read_header(line, *delimiter, *unknown, &self.schema)?));
                    continue;
                }
                LineFormat::Csv(csv) => {
                    json.clear();
                    if let Err(reason) = csv.write_json(line, &mut json) {
                        rejected.push((number, refused(number, line, reason)));
                        continue;
                    }
                    values.append_value(&json);
                }
            }
            decoded.push((number, line));
        }
        let result = self.converter.decode(&values.finish())?;
        rejected.extend(result.rejected.into_iter().map(|row| {
            let (number, line) = decoded[row.row];
            (number, Rejected { field: row.field, ..refused(number, line, row.reason) })
        }));
        rejected.sort_by_key(|(number, _)| *number);
        let rejected = rejected.into_iter().map(|(_, rejected)| rejected).collect();
        Ok(SourceBatch { records: result.records, offsets: SourceOffsets::new(), rejected })
    }
}

fn read_header(line: &[u8], delimiter: u8, unknown: UnknownFields, schema: &Schema) -> Result<CsvLines> {
    let names = CsvLines::header(line, delimiter)
        .map_err(|reason| Error::config(format!("the first line of standard input names no columns: {reason}")))?;
    CsvLines::new(&names, schema, unknown, delimiter).map_err(wrong_columns)
}

fn wrong_columns(mistakes: Vec<(usize, String)>) -> Error {
    let mistakes: Vec<String> = mistakes.into_iter().map(|(_, reason)| reason).collect();
    Error::config(format!("the columns of the CSV lines: {}", mistakes.join("; ")))
}

fn refused(number: u64, line: &[u8], reason: impl Into<String>) -> Rejected {
    let record = Bytes::copy_from_slice(line);
    Rejected { place: format!("stdin:{number}"), field: None, reason: reason.into(), record }
}

#[async_trait]
impl Source for ConsoleSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    async fn poll(&mut self) -> Result<Option<SourceBatch>> {
        let Some(input) = &mut self.input else { return Ok(None) };
        match input.next().await? {
            Some(lines) => self.decode(&lines).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};
    use std::sync::mpsc;

    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Field, Float64Type};
    use pipeline_api::Registration;
    use pipeline_testkit::source_conformance;
    use serde_json::{Value, json};

    use super::*;

    fn schema() -> SchemaRef {
        Schema::new(vec![Field::new("symbol", DataType::Utf8, false), Field::new("price", DataType::Float64, true)])
            .into()
    }

    fn source(config: Value, input: impl Read + Send + 'static) -> ConsoleSource {
        let config = serde_json::from_value(config).unwrap();
        ConsoleSource::of(config, schema(), Some(Input::of(input).unwrap())).unwrap()
    }

    fn prices(batch: &SourceBatch) -> Vec<(String, Option<f64>)> {
        let symbols = batch.records.column(0).as_string::<i32>().iter().flatten().map(str::to_owned);
        symbols.zip(batch.records.column(1).as_primitive::<Float64Type>()).collect()
    }

    fn findings(config: Value) -> Vec<(String, String)> {
        let mut findings = Findings::default();
        Registration::source::<ConsoleSource>("test").validate(config, &schema(), &mut findings);
        findings.into_iter().map(|finding| (finding.pointer, finding.message)).collect()
    }

    #[tokio::test]
    async fn json_lines_become_records_and_bad_ones_are_rejected_with_their_place() {
        let input = concat!(
            r#"{"symbol":"IBM","price":102.5}"#,
            "\n\n",
            r#"{"symbol":"IBM","price":"high"}"#,
            "\n",
            "price\n",
            r#"{"symbol":"MSFT","pirce":1}"#,
            "\n",
            r#"{"symbol":"MSFT"}"#,
        );
        let mut source = source(json!({}), Cursor::new(input));
        // The last line has no end, so it does not come with the others.
        let batch = source.poll().await.unwrap().unwrap();
        assert_eq!(prices(&batch), [("IBM".into(), Some(102.5))]);
        let places: Vec<&str> = batch.rejected.iter().map(|rejected| rejected.place.as_str()).collect();
        assert_eq!(places, ["stdin:3", "stdin:4", "stdin:5"]);
        assert_eq!(batch.rejected[0].field.as_deref(), Some("price"));
        assert_eq!(batch.rejected[1].record, "price");
        assert_eq!(batch.rejected[2].field.as_deref(), Some("pirce"));
        assert!(batch.rejected[2].reason.contains("did you mean `price`"), "{}", batch.rejected[2].reason);
        assert!(batch.offsets.is_empty());

        assert_eq!(prices(&source.poll().await.unwrap().unwrap()), [("MSFT".into(), None)]);
        assert!(source.poll().await.unwrap().is_none());
        assert!(source.poll().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn csv_lines_become_records_in_the_columns_of_the_header() {
        let input = "\u{feff}price,symbol\r\n102.5,IBM\r\n12.3.4,\"IBM\"\r\n1\r\n,MSFT\r\n";
        let mut source = source(json!({ "format": "csv" }), Cursor::new(input));
        let batch = source.poll().await.unwrap().unwrap();
        assert_eq!(prices(&batch), [("IBM".into(), Some(102.5)), ("MSFT".into(), None)]);
        assert_eq!(batch.rejected[0].place, "stdin:3");
        assert_eq!(batch.rejected[0].field.as_deref(), Some("price"));
        assert!(batch.rejected[0].reason.contains("12.3.4"), "{}", batch.rejected[0].reason);
        assert_eq!(batch.rejected[1].place, "stdin:4");
        assert_eq!(batch.rejected[1].reason, "the line has 1 fields, expected 2");
    }

    #[tokio::test]
    async fn csv_lines_become_records_in_the_columns_of_the_file() {
        let config = json!({ "format": "csv", "columns": ["symbol", "x", "price"], "delimiter": ";", "unknown_fields": "ignore" });
        let mut source = source(config, Cursor::new("IBM;y;1\n"));
        assert_eq!(prices(&source.poll().await.unwrap().unwrap()), [("IBM".into(), Some(1.0))]);
    }

    #[tokio::test]
    async fn a_header_that_names_a_foreign_column_is_refused() {
        let mut source = source(json!({ "format": "csv" }), Cursor::new("symbl,price\nIBM,1\n"));
        let error = source.poll().await.unwrap_err();
        assert_eq!(error.kind(), pipeline_api::ErrorKind::Config);
        assert!(error.to_string().contains("did you mean `symbol`"), "{error}");
    }

    /// A terminal: each read waits until something is typed.
    struct Terminal(mpsc::Receiver<&'static str>);

    impl Read for Terminal {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let typed = self.0.recv().unwrap_or_default().as_bytes();
            into[..typed.len()].copy_from_slice(typed);
            Ok(typed.len())
        }
    }

    #[tokio::test]
    async fn a_poll_that_is_dropped_while_it_waits_loses_no_line() {
        let (keyboard, typed) = mpsc::channel();
        let mut source = source(json!({}), Terminal(typed));
        tokio::select! {
            biased;
            _ = source.poll() => panic!("nothing was typed"),
            () = std::future::ready(()) => {}
        }
        keyboard.send("{\"symbol\":\"IBM\"}\n").unwrap();
        assert_eq!(prices(&source.poll().await.unwrap().unwrap()), [("IBM".into(), None)]);
        keyboard.send("{\"symbol\":\"MSFT\"}\n").unwrap();
        assert_eq!(prices(&source.poll().await.unwrap().unwrap()), [("MSFT".into(), None)]);
        drop(keyboard);
        assert!(source.poll().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn only_the_first_task_reads() {
        let config: ConsoleSourceConfig = serde_json::from_value(json!({})).unwrap();
        let mut context = Context::new("test", schema());
        context.task = pipeline_api::Task { index: 1, of: 2 };
        assert!(ConsoleSource::open(config, context).await.unwrap().poll().await.unwrap().is_none());
    }

    /// The source with a text of its own in place of standard input, whenever it is opened.
    struct Typed(ConsoleSource);

    #[async_trait]
    impl Plugin for Typed {
        const TYPE: &'static str = ConsoleSource::TYPE;
        type Config = ConsoleSourceConfig;

        fn validate(config: &ConsoleSourceConfig, records: &Schema, findings: &mut Findings) {
            ConsoleSource::validate(config, records, findings);
        }

        fn delivery(config: &ConsoleSourceConfig) -> Delivery {
            ConsoleSource::delivery(config)
        }

        async fn open(config: ConsoleSourceConfig, context: Context) -> Result<Self> {
            let input = (context.task.index == 0).then(|| Input::of(Cursor::new(text(config.format)))).transpose()?;
            ConsoleSource::of(config, context.schema, input).map(Self)
        }
    }

    #[async_trait]
    impl Source for Typed {
        fn schema(&self) -> SchemaRef {
            self.0.schema()
        }

        async fn poll(&mut self) -> Result<Option<SourceBatch>> {
            self.0.poll().await
        }

        fn place(&self, row: usize) -> Option<String> {
            self.0.place(row)
        }

        async fn commit(&mut self, offsets: &SourceOffsets) -> Result<()> {
            self.0.commit(offsets).await
        }

        async fn close(&mut self) -> Result<()> {
            self.0.close().await
        }
    }

    /// Some batches of lines, of which some are blank, and some are no record.
    fn text(format: SourceFormat) -> String {
        let header = if format == SourceFormat::Csv { "symbol,price\n" } else { "" };
        let lines = (0..5000).map(|number| match (number % 100, format) {
            (50, _) => "\n".to_owned(),
            (51, _) => "\"what is this\n".to_owned(),
            (_, SourceFormat::Json) => format!("{{\"symbol\":\"S{number}\",\"price\":{number}.5}}\n"),
            (_, SourceFormat::Csv) => format!("S{number},{number}.5\n"),
        });
        std::iter::once(header.to_owned()).chain(lines).collect()
    }

    #[tokio::test]
    async fn the_source_conforms() {
        for config in [json!({}), json!({ "format": "csv" })] {
            source_conformance::run(source_conformance::Subject::of::<Typed>(config, schema())).await;
        }
    }

    #[test]
    fn a_wrong_config_is_found_at_its_place() {
        assert_eq!(findings(json!({ "columns": ["symbol"] }))[0].0, "/columns");
        assert_eq!(findings(json!({ "delimiter": ";" }))[0].0, "/delimiter");
        assert_eq!(findings(json!({ "format": "csv", "delimiter": "\"" }))[0].0, "/delimiter");
        assert_eq!(findings(json!({ "format": "csv", "columns": [] }))[0].0, "/columns");
        assert_eq!(findings(json!({ "format": "csv", "columns": ["symbol", "prise"] }))[0].0, "/columns/1");
        assert!(findings(json!({ "format": "csv", "columns": ["symbol"], "delimiter": "\t" })).is_empty());
    }
}
