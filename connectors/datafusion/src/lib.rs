//! SQL inside the process: a transform and a condition that run on whole columns, a catalog of local tables, checks of
//! what landed, and the engine that answers queries over the catalog.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod catalog;
#[cfg(test)]
mod conforming;
mod engine_error;
mod expression;
mod functions;
mod local_table;
mod query;
mod sql_check;
mod sql_condition;
mod sql_transform;
#[cfg(test)]
mod testing;

pub use catalog::{Column, LocalCatalog, Partition, Table, TableFormat};
pub use local_table::{LocalTable, LocalTableConfig};
pub use pipeline_checks::{Between, Check, ColumnList, Freshness, OnFailure, RowCount, SqlQuery, Value};
pub use query::{check_query, query};
pub use sql_check::{SqlCheck, SqlCheckConfig, When};
pub use sql_condition::{SqlCondition, SqlConditionConfig};
pub use sql_transform::{SqlTransform, SqlTransformConfig};

use pipeline_api::register;

register!(transform, SqlTransform);
register!(condition, SqlCondition);
register!(hook, LocalTable);
register!(hook, SqlCheck);

/// Where the catalog lies if a file says nothing else, relative to the folder of the file.
pub const DEFAULT_CATALOG: &str = ".pipeline/catalog";

#[cfg(test)]
mod tests {
    use pipeline_api::{Kind, Registry};

    #[test]
    fn the_plugins_are_announced_with_schemas_that_show_defaults_and_the_names_of_the_checks() {
        let registry = Registry::linked().unwrap();
        assert!(registry.get(Kind::Transform, "sql").is_some() && registry.get(Kind::Condition, "sql").is_some());
        let schema = registry.get(Kind::Hook, "local_table").unwrap().config_schema();
        assert_eq!(schema["properties"]["catalog"]["default"], super::DEFAULT_CATALOG);
        assert_eq!(schema["required"], serde_json::json!(["table"]));
        let schema = registry.get(Kind::Hook, "sql_check").unwrap().config_schema();
        assert_eq!(schema["properties"]["on_failure"]["default"], "fail");
        assert_eq!(schema["properties"]["when"]["default"], "end");
        let forms = schema["properties"]["checks"]["items"]["oneOf"].as_array().unwrap().iter();
        let names: Vec<_> = forms.map(|form| form["required"][0].as_str().unwrap()).collect();
        assert_eq!(names, ["row_count", "not_null", "unique", "between", "freshness", "sql"]);
    }
}
