//! A table as Athena's DDL writes it.

use aws_sdk_glue::types::{Column, TableInput};

/// What `SHOW CREATE TABLE` of Athena would show of the table that this call makes.
pub(crate) fn ddl(database: &str, input: &TableInput) -> String {
    let mut ddl = format!("CREATE EXTERNAL TABLE `{database}`.`{}` (\n", input.name());
    let storage = input.storage_descriptor();
    ddl.push_str(&columns(storage.map(|storage| storage.columns()).unwrap_or_default()));
    if let Some(description) = input.description() {
        ddl.push_str(&format!("\nCOMMENT {}", text(description)));
    }
    if !input.partition_keys().is_empty() {
        ddl.push_str(&format!("\nPARTITIONED BY (\n{}", columns(input.partition_keys())));
    }
    if let Some(storage) = storage {
        if let Some(serde) = storage.serde_info() {
            ddl.push_str(&format!("\nROW FORMAT SERDE {}", text(serde.serialization_library().unwrap_or_default())));
            let properties = serde.parameters().into_iter().flatten();
            ddl.push_str(&format!("\nWITH SERDEPROPERTIES ({})", properties_of(properties).join(", ")));
        }
        for (before, class) in
            [("STORED AS INPUTFORMAT", storage.input_format()), ("OUTPUTFORMAT", storage.output_format())]
        {
            ddl.push_str(&class.map(|class| format!("\n{before} {}", text(class))).unwrap_or_default());
        }
        ddl.push_str(&storage.location().map(|at| format!("\nLOCATION {}", text(at))).unwrap_or_default());
    }
    // That it is external is said by the first line.
    let properties = input.parameters().into_iter().flatten().filter(|(name, _)| *name != "EXTERNAL");
    ddl.push_str(&format!("\nTBLPROPERTIES (\n  {}\n)", properties_of(properties).join(",\n  ")));
    ddl
}

fn columns(columns: &[Column]) -> String {
    let column = |column: &Column| format!("  `{}` {}", column.name(), column.r#type().unwrap_or_default());
    format!("{}\n)", columns.iter().map(column).collect::<Vec<_>>().join(",\n"))
}

/// In the order of their names: a map has none.
fn properties_of<'p>(properties: impl Iterator<Item = (&'p String, &'p String)>) -> Vec<String> {
    let mut properties: Vec<_> = properties.map(|(name, value)| format!("{} = {}", text(name), text(value))).collect();
    properties.sort();
    properties
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
