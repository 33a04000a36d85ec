//! Turns structs into columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use pipeline_api::{
    Context, Error, Findings, Plugin, RecordBatch, Result, SchemaRef, Transform, async_trait, register,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::names;

/// Turns each struct into columns, one for each of its fields and at its place, named `parent_child`; structs within
/// structs too. Where a struct is null, so are its columns. Arrays stay as they are.
///
/// ```yaml
/// - type: flatten
///   config: { fields: [quote], separator: "_" }   # quote: struct<bid:double,ask:double> becomes quote_bid, quote_ask
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlattenConfig {
    /// The structs to flatten. Default: all.
    #[serde(default)]
    pub fields: Option<Vec<String>>,
    /// What stands between the names of the struct and of its field.
    #[serde(default = "underscore")]
    pub separator: String,
}

fn underscore() -> String {
    "_".into()
}

/// The transform `flatten`.
pub struct Flatten {
    /// The place of each input column, and whether it is flattened.
    columns: Vec<Column>,
    schema: SchemaRef,
}

enum Column {
    Kept,
    Flattened,
}

register!(transform, Flatten);

#[async_trait]
impl Plugin for Flatten {
    const TYPE: &'static str = "flatten";
    type Config = FlattenConfig;

    fn validate(config: &FlattenConfig, records: &Schema, findings: &mut Findings) {
        let flatten = Self::plan(config, records, findings);
        if findings.is_empty() && flatten.columns.iter().all(|column| matches!(column, Column::Kept)) {
            findings.warning("", "no column is a struct, so there is nothing to flatten");
        }
    }

    async fn open(config: FlattenConfig, context: Context) -> Result<Self> {
        names::planned(|findings| Self::plan(&config, &context.schema, findings))
    }
}

impl Flatten {
    fn plan(config: &FlattenConfig, input: &Schema, findings: &mut Findings) -> Self {
        let chosen = chosen(config, input, findings);
        let mut columns = Vec::with_capacity(input.fields().len());
        let mut fields: Vec<FieldRef> = Vec::new();
        let mut made = Vec::new();
        for (place, field) in input.fields().iter().enumerate() {
            match chosen.iter().find(|(column, _)| *column == place) {
                Some((_, pointer)) => {
                    let first = fields.len();
                    flatten_field(field, &config.separator, &mut fields);
                    made.extend((first..fields.len()).map(|place| (place, pointer.as_str())));
                    columns.push(Column::Flattened);
                }
                None => {
                    fields.push(field.clone());
                    columns.push(Column::Kept);
                }
            }
        }
        for (place, pointer) in made {
            let others = fields.iter().enumerate().filter(|(other, _)| *other != place);
            let others = others.map(|(_, field)| field.name().as_str());
            names::check_new(fields[place].name(), others, pointer, findings);
        }
        Self { columns, schema: Schema::new_with_metadata(fields, input.metadata().clone()).into() }
    }
}

/// The places of the structs to flatten, each with where the config asks for it.
fn chosen(config: &FlattenConfig, input: &Schema, findings: &mut Findings) -> Vec<(usize, String)> {
    let is_struct = |place: &usize| matches!(input.field(*place).data_type(), DataType::Struct(_));
    let Some(named) = &config.fields else {
        let places = (0..input.fields().len()).filter(|place| !names::is_metadata(input.field(*place).name()));
        return places.filter(is_struct).map(|place| (place, "/separator".to_owned())).collect();
    };
    let places = names::find_all(input, named, "/fields", findings);
    let mut chosen = Vec::with_capacity(places.len());
    for place in places {
        let field = input.field(place);
        let index = named.iter().position(|name| name == field.name()).unwrap_or_default();
        let pointer = format!("/fields/{index}");
        if is_struct(&place) {
            chosen.push((place, pointer));
        } else {
            let found = pipeline_api::type_text(field.data_type());
            findings.error(pointer, format!("`{}` is of the type {found}, expected a struct", field.name()));
        }
    }
    chosen
}

fn flatten_field(field: &Field, separator: &str, into: &mut Vec<FieldRef>) {
    let DataType::Struct(children) = field.data_type() else {
        into.push(Arc::new(field.clone()));
        return;
    };
    for child in children {
        let name = format!("{}{separator}{}", field.name(), child.name());
        let nullable = field.is_nullable() || child.is_nullable();
        flatten_field(&child.as_ref().clone().with_name(name).with_nullable(nullable), separator, into);
    }
}

impl Transform for Flatten {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn apply(&self, records: RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (column, plan) in records.columns().iter().zip(&self.columns) {
            match plan {
                Column::Kept => columns.push(column.clone()),
                Column::Flattened => flatten_column(column, &mut columns)?,
            }
        }
        names::batch(&self.schema, columns, records.num_rows())
    }
}

fn flatten_column(column: &ArrayRef, into: &mut Vec<ArrayRef>) -> Result<()> {
    let Some(parent) = column.as_struct_opt() else {
        into.push(column.clone());
        return Ok(());
    };
    for child in parent.columns() {
        flatten_column(&null_where(parent, child)?, into)?;
    }
    Ok(())
}

/// The child, null where its parent is: below a null a child may hold anything.
fn null_where(parent: &dyn Array, child: &ArrayRef) -> Result<ArrayRef> {
    if parent.null_count() == 0 {
        return Ok(child.clone());
    }
    let nulled = is_null(parent).and_then(|mask| nullif(child, &mask));
    nulled.map_err(|error| Error::fatal("a struct does not flatten").with_source(error))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Float64Type, Int64Type};
    use serde_json::json;

    use super::*;
    use crate::testing::{behind_topic, findings, names, open, stocks};

    #[tokio::test]
    async fn structs_become_columns_at_their_place_and_null_where_they_were_null() {
        let flatten = open::<Flatten>(json!({}), &behind_topic()).await;
        let flat = flatten.apply(behind_topic()).unwrap();
        assert_eq!(names(&flat)[5..9], ["quote_venue", "quote_bid_price", "quote_bid_size", "__topic"]);
        assert_eq!(flat.schema(), flatten.schema());

        let venues: Vec<_> = flat.column(5).as_string::<i32>().iter().collect();
        assert_eq!(venues, [Some("NYSE"), None, Some("ARCA")]);
        let prices: Vec<_> = flat.column(6).as_primitive::<Float64Type>().iter().collect();
        assert_eq!(prices, [Some(9.5), None, Some(19.5)]);
        let sizes: Vec<_> = flat.column(7).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(sizes, [Some(100), None, None]);
    }

    #[tokio::test]
    async fn a_slice_flattens_like_the_whole() {
        let flatten = open::<Flatten>(json!({ "separator": "." }), &stocks()).await;
        let whole = flatten.apply(stocks()).unwrap();
        for (start, length) in [(0, 0), (1, 1), (1, 2), (2, 1)] {
            assert_eq!(flatten.apply(stocks().slice(start, length)).unwrap(), whole.slice(start, length));
        }
    }

    #[tokio::test]
    async fn names_that_collide_are_refused() {
        let taken = open::<crate::Rename>(json!({ "fields": { "close": "Quote_Venue" } }), &stocks()).await;
        let records = taken.apply(stocks()).unwrap();
        let found = findings::<Flatten>(json!({}), &records);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "/separator");
        assert!(
            found[0].1.contains("`quote_venue` and the column `Quote_Venue` differ by case alone"),
            "{}",
            found[0].1
        );
        assert!(findings::<Flatten>(json!({ "separator": "." }), &records).is_empty());
    }

    #[test]
    fn a_column_that_is_no_struct_is_refused_and_no_struct_at_all_is_a_warning() {
        let found = findings::<Flatten>(json!({ "fields": ["quote", "close", "qote"] }), &stocks());
        assert_eq!(found[0].0, "/fields/2");
        assert!(found[0].1.contains("did you mean `quote`"), "{}", found[0].1);
        assert_eq!(found[1].0, "/fields/1");
        assert!(found[1].1.contains("`close` is of the type double, expected a struct"), "{}", found[1].1);

        let flat = stocks().project(&[0, 1]).unwrap();
        assert!(findings::<Flatten>(json!({}), &flat)[0].1.contains("nothing to flatten"));
    }
}
