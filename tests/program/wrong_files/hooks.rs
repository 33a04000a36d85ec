//! Hooks, and the tables and columns that they name.

use super::assert_said;

#[test]
fn a_table_is_told_what_its_settings_can_be() {
    assert_said(&[
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table }\n",
            "18:11 sinks[0].hooks[0].config.table: missing, expected a text",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: '' } }\n",
            "18:47 sinks[0].hooks[0].config.table: `` cannot be a table's name, expected small letters, digits and `_`, such as `stocks_daily`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: My Table } }\n",
            "18:47 sinks[0].hooks[0].config.table: `My Table` cannot be a table's name, expected small letters, digits and `_`, such as `stocks_daily`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: ../t } }\n",
            "18:47 sinks[0].hooks[0].config.table: `../t` cannot be a table's name, expected small letters, digits and `_`, such as `stocks_daily`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: _t } }\n",
            "18:47 sinks[0].hooks[0].config.table: `_t` cannot be a table's name, expected small letters, digits and `_`, such as `stocks_daily`",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t, catalog: '' } }\n",
            "18:59 sinks[0].hooks[0].config.catalog: expected a folder, such as .pipeline/catalog",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { tabel: t } }\n",
            "18:40 sinks[0].hooks[0].config.tabel: unknown field, did you mean `table`? expected one of table, catalog",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: iceberg_table, config: { database: d, table: t } }\n",
            "18:17 sinks[0].hooks[0].type: unknown hook `iceberg_table`, expected one of athena_check, glue_table, local_table, sql_check",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: select, config: { fields: [] } }\n",
            "18:17 sinks[0].hooks[0].type: `select` is a transform, expected a hook",
        ),
    ]);
}

#[test]
fn a_check_is_told_what_it_can_be() {
    assert_said(&[
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [] } }\n",
            "19:48 sinks[0].hooks[1].config.checks: found an empty list, expected a list of at least 1",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: row_count } }\n",
            "19:56 sinks[0].hooks[1].config.checks: found the text `row_count`, expected a list of at least 1",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [row_count] } }\n",
            "19:57 sinks[0].hooks[1].config.checks[0]: found the text `row_count`, expected a mapping",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ row_count: 5 }] } }\n",
            "19:70 sinks[0].hooks[1].config.checks[0].row_count: found `5`, expected a mapping",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ rows: {} }] } }\n",
            "19:59 sinks[0].hooks[1].config.checks[0].rows: unknown field, expected one of row_count, not_null, unique, between, freshness, sql",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ not_null: [] }] } }\n",
            "19:59 sinks[0].hooks[1].config.checks[0].not_null: found an empty list, expected a list of at least 1",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ not_null: symbol }] } }\n",
            "19:69 sinks[0].hooks[1].config.checks[0].not_null: found the text `symbol`, expected a list of at least 1",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ not_null: [symbl] }] } }\n",
            "19:70 sinks[0].hooks[1].config.checks[0].not_null[0]: unknown column `symbl`, did you mean `symbol`?",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ unique: [symbol, symbol] }] } }\n",
            "19:76 sinks[0].hooks[1].config.checks[0].unique[1]: `symbol` is named twice",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ between: { column: price } }] } }\n",
            "19:59 sinks[0].hooks[1].config.checks[0].between: expected min, max or both",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ between: { colum: price, min: 0 } }] } }\n",
            "19:70 sinks[0].hooks[1].config.checks[0].between.colum: unknown field, did you mean `column`? expected one of column, min, max",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ between: { column: prise, min: 0 } }] } }\n",
            "19:78 sinks[0].hooks[1].config.checks[0].between.column: unknown column `prise`, did you mean `price`?",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ freshness: { column: price, max_age: 1h } }] } }\n",
            "19:80 sinks[0].hooks[1].config.checks[0].freshness.column: `price` is a double, expected a date or timestamp column",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ freshness: { column: day, max_age: 1 } }] } }\n",
            "19:94 sinks[0].hooks[1].config.checks[0].freshness.max_age: found `1`, expected a duration above 0 with its unit, such as 30s or 1h30m",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ freshness: { column: day } }] } }\n",
            "19:59 sinks[0].hooks[1].config.checks[0].freshness.max_age: missing, expected a duration above 0 with its unit, such as 30s or 1h30m",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ sql: { query: SELEC 1, expect: 0 } }] } }\n",
            "19:73 sinks[0].hooks[1].config.checks[0].sql.query: expected: an SQL statement, found: SELEC at Line: 1, Column: 1",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ sql: { query: SELECT 1 } }] } }\n",
            "19:59 sinks[0].hooks[1].config.checks[0].sql.expect: missing, expected true or false or a number or a text",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ sql: { query: 'SELECT 1; SELECT 2', expect: 0 } }] } }\n",
            "19:73 sinks[0].hooks[1].config.checks[0].sql.query: found 2 statements, expected one SELECT",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ sql: { query: DROP TABLE t, expect: 0 } }] } }\n",
            "19:73 sinks[0].hooks[1].config.checks[0].sql.query: a check only reads, expected a SELECT",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: local_table, config: { table: t } }\n      - { type: sql_check, config: { table: t, checks: [{ row_count: {}, unique: [symbol] }] } }\n",
            "19:59 sinks[0].hooks[1].config.checks[0]: has several fields, expected one of them alone",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: sql_check, config: { table: t, checks: [{ row_count: {} }], when: always } }\n",
            "18:83 sinks[0].hooks[0].config.when: found the text `always`, expected one of end, flush",
        ),
        (
            "{ url: out }",
            "{ url: out }\n    hooks:\n      - { type: sql_check, config: { table: t, checks: [{ row_count: {} }], on_failure: stop } }\n",
            "18:89 sinks[0].hooks[0].config.on_failure: found the text `stop`, expected one of fail, warn",
        ),
    ]);
}
