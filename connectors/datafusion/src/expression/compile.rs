//! One expression, from text to columns.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue, TableReference};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::expressions::{BinaryExpr, Literal, NegativeExpr};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, ExprWithAlias, Ident};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use pipeline_api::{Error, Result, type_text};

use super::refusal;
use crate::engine_error::{of_records, parser_reason, reason};
use crate::functions;

/// A compiled expression. It has no side effects and looks at one row at a time.
#[derive(Debug)]
pub(crate) struct Expression {
    text: String,
    physical: Arc<dyn PhysicalExpr>,
}

static STATE: LazyLock<SessionState> = LazyLock::new(|| {
    let config = SessionConfig::new().set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
    let mut state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    functions::register(&mut state);
    state
});

/// The columns of `input`, which expressions may call by `name.column` too.
pub(crate) fn named(input: &Schema, name: &str) -> Result<DFSchema> {
    DFSchema::try_from_qualified_schema(TableReference::bare(name), input)
        .map_err(|error| Error::config(format!("the columns of the records: {}", reason(&error))))
}

impl Expression {
    /// Compiles a text that says for each record yes or no. Errors: why it does not, in words of the person who wrote it.
    pub(crate) fn condition(text: &str, input: &Schema) -> Result<Self> {
        let mut parser =
            Parser::new(&GenericDialect {}).try_with_sql(text).map_err(|error| Error::config(parser_reason(&error)))?;
        let parsed = parser.parse_expr().map_err(|error| Error::config(parser_reason(&error)))?;
        parser.expect_token(&Token::EOF).map_err(|error| Error::config(parser_reason(&error)))?;
        let columns = named(input, "input")?;
        Self::boolean(parsed, &columns)
    }

    pub(super) fn boolean(parsed: SqlExpr, columns: &DFSchema) -> Result<Self> {
        let text = parsed.to_string();
        let (logical, _) = logical(parsed, None, columns)?;
        let expression = Self::compile(text, logical, columns)?;
        match expression.data_type(columns)? {
            DataType::Boolean => Ok(expression),
            other => Err(Error::config(format!(
                "`{}` is a {}, expected a condition such as volume > 0",
                expression.text,
                type_text(&other)
            ))),
        }
    }

    pub(super) fn compile(text: String, logical: Expr, columns: &DFSchema) -> Result<Self> {
        let physical = physical(logical, columns).map_err(|error| Error::config(reason(&error)))?;
        Ok(Self { text, physical })
    }

    pub(super) fn converted(
        self,
        convert: impl FnOnce(Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>>,
    ) -> Result<Self> {
        Ok(Self { text: self.text, physical: convert(self.physical)? })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn physical(&self) -> &Arc<dyn PhysicalExpr> {
        &self.physical
    }

    pub(super) fn data_type(&self, columns: &DFSchema) -> Result<DataType> {
        self.physical.data_type(columns.as_arrow()).map_err(|error| Error::config(reason(&error)))
    }

    /// Its value for each row. Errors: [`Data`](pipeline_api::ErrorKind::Data) if a record has a value that it fails on.
    pub(crate) fn evaluate(&self, records: &RecordBatch) -> Result<ArrayRef> {
        let value = self.physical.evaluate(records);
        value.and_then(|value| value.into_array(records.num_rows())).map_err(|error| of_records(&error, &self.text))
    }

    /// For each row whether it holds, of an expression that was compiled as a condition.
    pub(crate) fn holds(&self, records: &RecordBatch) -> Result<BooleanArray> {
        let value = self.evaluate(records)?;
        match value.as_any().downcast_ref::<BooleanArray>() {
            Some(holds) => Ok(holds.clone()),
            None => Err(Error::fatal(format!("{} is no condition", self.text))),
        }
    }
}

/// The engine's form of `parsed`, and the name that its column has if it has one.
pub(super) fn logical(parsed: SqlExpr, alias: Option<Ident>, columns: &DFSchema) -> Result<(Expr, Option<String>)> {
    refusal::check_syntax(&parsed)?;
    let expression = STATE
        .create_logical_expr_from_sql_expr(ExprWithAlias { expr: parsed, alias }, columns)
        .map_err(|error| Error::config(reason(&error)))?;
    refusal::check_calls(&expression)?;
    Ok(match expression {
        Expr::Alias(alias) => (*alias.expr, Some(alias.name)),
        Expr::Column(column) => {
            let name = column.name.clone();
            (Expr::Column(column), Some(name))
        }
        other => (other, None),
    })
}

fn physical(logical: Expr, columns: &DFSchema) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(columns.clone()))
        .with_config_options(Arc::clone(STATE.config_options()))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let coerced = simplifier.coerce(logical, columns)?;
    check_constants(&coerced, columns)?;
    let simplified = simplifier.simplify(coerced)?;
    let physical = create_physical_expr(&simplified, columns, STATE.execution_props(), &Default::default())?;
    checked(physical, columns.as_arrow())
}

/// Errors: arithmetic over constants whose result does not fit. The simplifier would let it wrap around.
fn check_constants(expression: &Expr, columns: &DFSchema) -> Result<(), DataFusionError> {
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let nothing = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &one_row)?;
    expression.apply(|part| {
        if !matches!(part, Expr::BinaryExpr(_)) || !part.column_refs().is_empty() {
            return Ok(TreeNodeRecursion::Continue);
        }
        let physical = create_physical_expr(part, columns, STATE.execution_props(), &Default::default());
        let value = physical.and_then(|p| checked(p, columns.as_arrow())).and_then(|p| p.evaluate(&nothing));
        match value {
            Err(error) if matches!(error.find_root(), DataFusionError::ArrowError(..)) => Err(error),
            // Anything else fails again, or not, where it is simplified.
            _ => Ok(TreeNodeRecursion::Jump),
        }
    })?;
    Ok(())
}

/// The engine's arithmetic wraps around; a record whose result does not fit must be refused instead.
fn checked(physical: Arc<dyn PhysicalExpr>, input: &Schema) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let checked = physical.transform_up(|node| {
        if let Some(binary) = node.downcast_ref::<BinaryExpr>()
            && matches!(binary.op(), Operator::Plus | Operator::Minus | Operator::Multiply)
        {
            let checked = binary.clone().with_fail_on_overflow(true);
            return Ok(Transformed::yes(Arc::new(checked) as Arc<dyn PhysicalExpr>));
        }
        if let Some(negative) = node.downcast_ref::<NegativeExpr>() {
            let of = negative.arg().data_type(input)?;
            if of.is_signed_integer() {
                let zero = Arc::new(Literal::new(ScalarValue::new_zero(&of)?));
                let difference = BinaryExpr::new(zero, Operator::Minus, Arc::clone(negative.arg()));
                return Ok(Transformed::yes(Arc::new(difference.with_fail_on_overflow(true)) as _));
            }
        }
        Ok(Transformed::no(node))
    })?;
    Ok(checked.data)
}
