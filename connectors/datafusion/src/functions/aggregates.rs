//! Aggregates that are other aggregates in disguise: the optimizer rewrites them before anything runs.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Expr, Signature, Volatility, when};
use datafusion::prelude::lit;

/// `max_by(x, y)` and `min_by(x, y)`: the `x` of the row with the greatest or least `y`, rows without a `y` aside.
/// That is the first `x` in the order of `y`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExtremeBy {
    name: &'static str,
    ascending: bool,
    signature: Signature,
}

impl ExtremeBy {
    pub(super) fn max_by() -> Self {
        Self { name: "max_by", ascending: false, signature: Signature::any(2, Volatility::Immutable) }
    }

    pub(super) fn min_by() -> Self {
        Self { name: "min_by", ascending: true, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for ExtremeBy {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        only_with_group_by(self.name)
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        let (name, ascending) = (self.name, self.ascending);
        Some(Box::new(move |call, _| {
            let params = call.params;
            let Ok([value, key]) = <[Expr; 2]>::try_from(params.args) else {
                return plan_err!("{name} takes two arguments");
            };
            Ok(Expr::AggregateFunction(AggregateFunction {
                func: first_value_udaf(),
                params: AggregateFunctionParams {
                    args: vec![value],
                    distinct: false,
                    filter: both(params.filter, key.clone().is_not_null()),
                    order_by: vec![key.sort(ascending, false)],
                    null_treatment: None,
                },
            }))
        }))
    }
}

/// `count_if(condition)`: the rows for which it holds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CountIf {
    signature: Signature,
}

impl Default for CountIf {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Boolean], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for CountIf {
    fn name(&self) -> &str {
        "count_if"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        only_with_group_by("count_if")
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        Some(Box::new(|call, _| {
            let mut params = call.params;
            let Some(condition) = params.args.pop() else { return plan_err!("count_if takes one argument") };
            params.args = vec![when(condition, lit(1_i64)).end()?];
            Ok(Expr::AggregateFunction(AggregateFunction { func: count_udaf(), params }))
        }))
    }
}

fn both(filter: Option<Box<Expr>>, condition: Expr) -> Option<Box<Expr>> {
    Some(Box::new(match filter {
        Some(filter) => filter.and(condition),
        None => condition,
    }))
}

/// The optimizer does not rewrite a window.
fn only_with_group_by<T>(name: &str) -> Result<T> {
    plan_err!("{name} is an aggregate here and takes no OVER, use GROUP BY")
}
