//! Whether the values of a column come again.

use arrow::array::{Array, ArrayRef};

/// So many of the first rows tell.
const SAMPLE: usize = 1024;

/// Whether a dictionary of the column's values is worth its while: whether the first rows have three different ones at most in
/// place of four. Text is not looked at, nor is what is small anyway: it has one.
pub(crate) fn comes_again(column: &ArrayRef) -> bool {
    let sample = column.slice(0, column.len().min(SAMPLE)).to_data();
    match sample.data_type().primitive_width() {
        Some(4) => are_few(&sample.buffer::<i32>(0)[..sample.len()]),
        Some(8) => are_few(&sample.buffer::<i64>(0)[..sample.len()]),
        Some(16) => are_few(&sample.buffer::<i128>(0)[..sample.len()]),
        _ => true,
    }
}

fn are_few<T: Copy + Ord>(values: &[T]) -> bool {
    let mut different = values.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() * 4 <= values.len() * 3
}
