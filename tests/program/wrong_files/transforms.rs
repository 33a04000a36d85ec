//! Transforms, and the columns that they name.

use super::assert_said;

#[test]
fn a_transform_is_told_which_columns_there_are_and_what_its_settings_can_be() {
    assert_said(&[
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: select, config: { fields: [symbl] } }]",
            "17:53 sinks[0].transforms[0].config.fields[0]: there is no column `symbl`, did you mean `symbol`? expected one of symbol, price, day, at, tags, raw",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: select, config: { fields: [] } }]",
            "17:44 sinks[0].transforms[0].config.fields: no column is named, expected at least one",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: select }]",
            "17:20 sinks[0].transforms[0].config.fields: missing, expected a list",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: drop, config: { fields: [prise] } }]",
            "17:51 sinks[0].transforms[0].config.fields[0]: there is no column `prise`, did you mean `price`? expected one of symbol, price, day, at, tags, raw",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: drop, config: { fields: [symbol, price, day, at, tags, raw] } }]",
            "17:42 sinks[0].transforms[0].config.fields: no column would be left, expected at least one that is not dropped",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: rename, config: { fields: { prise: cost } } }]",
            "17:61 sinks[0].transforms[0].config.fields.prise: there is no column `prise`, did you mean `price`? expected one of symbol, price, day, at, tags, raw",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: rename, config: { fields: { price: symbol } } }]",
            "17:61 sinks[0].transforms[0].config.fields.price: there is a column `symbol` already, expected another name",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: rename, config: { fields: { price: SYMBOL } } }]",
            "17:61 sinks[0].transforms[0].config.fields.price: `SYMBOL` and the column `symbol` differ by case alone, which tables do not tell apart; expected another name",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: rename, config: { fields: { price: '' } } }]",
            "17:61 sinks[0].transforms[0].config.fields.price: the name is empty, expected the name of a column",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: cast, config: { fields: { prise: int } } }]",
            "17:59 sinks[0].transforms[0].config.fields.prise: there is no column `prise`, did you mean `price`? expected one of symbol, price, day, at, tags, raw",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: cast, config: { fields: { price: long } } }]",
            "17:59 sinks[0].transforms[0].config.fields.price: `long` is no type, did you mean `bigint`? expected string, boolean, tinyint, smallint, int, bigint, float, double, decimal(p,s), date, timestamp, timestamp(6), binary, array<…> or struct<name:type,…>",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: cast, config: { fields: { tags: int } } }]",
            "17:58 sinks[0].transforms[0].config.fields.tags: `tags` cannot be cast: there is no exact way from array<string> to int; flatten turns structs into columns of single values",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: cast, config: { types: { price: int } } }]",
            "17:32 sinks[0].transforms[0].config.fields: missing, expected a mapping\n17:42 sinks[0].transforms[0].config.types: unknown field, expected `fields`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [prise] } }]",
            "17:57 sinks[0].transforms[0].config.fields[0]: there is no column `prise`, did you mean `price`? expected one of symbol, price, day, at, tags, raw",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [price], replacement: x } }]",
            "17:57 sinks[0].transforms[0].config.fields[0]: `price` cannot be masked: `x` is no double, expected a number such as 118.56 or 1e-3 that a double holds",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: insert_field, config: { field: symbol, value: x } }]",
            "17:50 sinks[0].transforms[0].config.field: unknown field, did you mean `fields`? expected `fields`\n17:65 sinks[0].transforms[0].config.value: unknown field, expected `fields`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: insert_field, config: {} }]",
            "17:40 sinks[0].transforms[0].config.fields: missing, expected a mapping",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: flatten, config: { delimiter: 1 } }]",
            "17:45 sinks[0].transforms[0].config.delimiter: unknown field, expected one of fields, separator",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: sql, config: { query: SELECT nothing FROM input } }]",
            "17:48 sinks[0].transforms[0].config.query: unknown column `nothing`, expected one of symbol, price, day, at, tags, raw, __topic, __partition, __offset, __timestamp, __key",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: sql, config: { query: SELEC symbol FROM input } }]",
            "17:48 sinks[0].transforms[0].config.query: expected: an SQL statement, found: SELEC at Line: 1, Column: 1",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: sql, config: { query: SELECT symbol FROM stocks } }]",
            "17:48 sinks[0].transforms[0].config.query: `stocks` is no table here, the records are called `input`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: sql, config: { query: 'DROP TABLE input' } }]",
            "17:48 sinks[0].transforms[0].config.query: the statement is not allowed here: it is no SELECT",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: sql, config: { query: '' } }]",
            "17:48 sinks[0].transforms[0].config.query: expected exactly one SELECT, such as SELECT symbol, close FROM input",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: drop, config: { fields: [raw] }, when: price > 1 }]",
            "17:20 sinks[0].transforms[0]: removes `raw` for some records only, and a table has the same columns for all; expected a transform without `when`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [price] }, when: prise > 1 }]",
            "17:73 sinks[0].transforms[0].when: unknown column `prise`, did you mean `price`?",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [price] }, when: price }]",
            "17:73 sinks[0].transforms[0].when: `price` is a double, expected a condition such as volume > 0",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [price] }, when: price > }]",
            "17:73 sinks[0].transforms[0].when: expected: an expression, found: EOF",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [price] }, when: '' }]",
            "17:73 sinks[0].transforms[0].when: expected: an expression, found: EOF",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: mask_field, config: { fields: [price] }, when: 1 }]",
            "17:73 sinks[0].transforms[0].when: found `1`, expected a text, in quotes",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: slect }]",
            "17:26 sinks[0].transforms[0].type: unknown transform `slect`, did you mean `select`? expected one of cast, drop, flatten, insert_field, mask_field, rename, select, sql",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: csv }]",
            "17:26 sinks[0].transforms[0].type: `csv` is a source, expected a transform",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    transforms: [{ type: rename, config: { fields: { price: cost } } }, { type: drop, config: { fields: [price] } }]",
            "17:106 sinks[0].transforms[1].config.fields[0]: there is no column `price`, expected one of symbol, cost, day, at, tags, raw",
        ),
        (
            "path: stocks.csv }",
            "path: stocks.csv }\n    transforms: [{ type: select, config: { fields: symbol } }]",
            "5:52 sources[0].transforms[0].config.fields: found the text `symbol`, expected a list",
        ),
    ]);
}
