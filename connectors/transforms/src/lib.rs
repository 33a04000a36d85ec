//! Transforms of single records: pure functions of whole columns.
//!
//! Each plans everything from its config and the schema of its input, once for `validate` and once for `open`, so that
//! both find the same mistakes. Columns of the runtime (`__offset` and its like) pass through all of them untouched.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod cast;
mod drop;
mod flatten;
mod insert_field;
mod mask_field;
mod rename;
mod select;

mod constant;
mod names;
#[cfg(test)]
mod testing;

pub use cast::{Cast, CastConfig, CastTo, TimedType};
pub use constant::Constant;
pub use drop::{Drop, DropConfig};
pub use flatten::{Flatten, FlattenConfig};
pub use insert_field::{Insert, InsertField, InsertFieldConfig, MetadataField};
pub use mask_field::{MaskField, MaskFieldConfig};
pub use rename::{Rename, RenameConfig};
pub use select::{Select, SelectConfig};
