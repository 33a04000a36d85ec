//! SQL over one record at a time, compiled to expressions over whole columns.

mod compile;
mod output_type;
mod refusal;
mod select;

pub(crate) use compile::Expression;
pub(crate) use select::Select;
