//! Records of any schema that a topic can have.

mod extreme;
mod typical;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, Schema};
use pipeline_api::{RecordBatch, SchemaRef, parse_column};

/// The schema of these columns, each a name and a type as a pipeline file writes it: `("price", "double not null")`.
///
/// # Panics
///
/// A type is none.
pub fn schema(columns: &[(&str, &str)]) -> SchemaRef {
    let field = |(name, of): &(&str, &str)| parse_column(name, of).unwrap_or_else(|error| panic!("{name}: {error}"));
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<Field>>()))
}

/// A schema with a column of each type that a topic can have.
pub fn all_types() -> SchemaRef {
    schema(&[
        ("id", "bigint not null"),
        ("name", "string not null"),
        ("note", "string"),
        ("active", "boolean"),
        ("tiny", "tinyint"),
        ("small", "smallint"),
        ("medium", "int"),
        ("large", "bigint"),
        ("single", "float"),
        ("price", "double"),
        ("amount", "decimal(18,6)"),
        ("wide", "decimal(38,10)"),
        ("day", "date"),
        ("event_time", "timestamp"),
        ("exact_time", "timestamp(6)"),
        ("raw", "binary"),
        ("sizes", "array<int>"),
        ("quote", "struct<bid:double,venue:struct<code:string,open:boolean>>"),
        ("levels", "array<struct<price:decimal(9,2),orders:array<bigint>>>"),
    ])
}

/// One record for each number, which follows from that number alone: ordinary values, and in columns that may be null a
/// null now and then. A `bigint not null` column holds the number itself.
///
/// # Panics
///
/// The schema has a type that a topic cannot have.
pub fn records(schema: &SchemaRef, numbers: impl IntoIterator<Item = i64>) -> RecordBatch {
    batch(schema, &numbers.into_iter().collect::<Vec<_>>(), typical::leaf)
}

/// Records with the values at the edges of each type: the least and the greatest, zeros of both signs, NaN, empty and odd
/// texts, nulls. Not every plugin takes all of them.
///
/// # Panics
///
/// The schema has a type that a topic cannot have.
pub fn extremes(schema: &SchemaRef) -> RecordBatch {
    batch(schema, &(0..extreme::ROWS).collect::<Vec<_>>(), extreme::leaf)
}

/// The values of a type that is not nested, one for each number.
type Leaf = fn(&DataType, &[i64]) -> ArrayRef;

fn batch(schema: &SchemaRef, numbers: &[i64], leaf: Leaf) -> RecordBatch {
    let columns = schema.fields().iter().zip(0..).map(|(field, place)| column(field, place, numbers, leaf)).collect();
    RecordBatch::try_new(schema.clone(), columns).unwrap_or_else(|error| panic!("{error}"))
}

/// One row of five is null, in each column another one.
fn column(field: &Field, place: i64, numbers: &[i64], leaf: Leaf) -> ArrayRef {
    let values = values(field.data_type(), numbers, leaf);
    if !field.is_nullable() {
        return values;
    }
    let nulls: BooleanArray = numbers.iter().map(|number| Some((number + place).rem_euclid(5) == 3)).collect();
    nullif(&values, &nulls).unwrap_or_else(|error| panic!("{error}"))
}

fn values(of: &DataType, numbers: &[i64], leaf: Leaf) -> ArrayRef {
    match of {
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(1..).map(|(field, place)| column(field, place, numbers, leaf)).collect();
            Arc::new(StructArray::new(fields.clone(), columns, None))
        }
        DataType::List(item) => {
            let length = |number: &i64| number.rem_euclid(3);
            let items: Vec<i64> =
                numbers.iter().flat_map(|number| (0..length(number)).map(move |n| number + n)).collect();
            let offsets = OffsetBuffer::from_lengths(numbers.iter().map(|number| length(number) as usize));
            Arc::new(ListArray::new(item.clone(), offsets, column(item, 0, &items, leaf), None))
        }
        _ => leaf(of, numbers),
    }
}
