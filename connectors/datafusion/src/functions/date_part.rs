//! `year(x)`, `month(x)`, `day(x)` and `hour(x)`.

use arrow::compute::{DatePart, cast, date_part};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::instant::scalar_if_all_were;

/// One part of a date or timestamp, as a bigint.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DatePartFunction {
    name: &'static str,
    signature: Signature,
}

impl DatePartFunction {
    /// Every part that there is a function for.
    pub(super) fn all() -> [Self; 4] {
        ["year", "month", "day", "hour"]
            .map(|name| Self { name, signature: Signature::user_defined(Volatility::Immutable) })
    }

    fn part(&self) -> DatePart {
        match self.name {
            "year" => DatePart::Year,
            "month" => DatePart::Month,
            "day" => DatePart::Day,
            _ => DatePart::Hour,
        }
    }
}

impl ScalarUDFImpl for DatePartFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [of @ (DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))] => Ok(vec![of.clone()]),
            [DataType::Null] => Ok(vec![DataType::Date32]),
            [other] => plan_err!("{} takes a date or a timestamp, found {other}; cast it", self.name),
            _ => plan_err!("{} takes one argument", self.name),
        }
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&call.args)?;
        let part = date_part(&arrays[0], self.part())?;
        scalar_if_all_were(&call.args, cast(&part, &DataType::Int64)?)
    }
}
