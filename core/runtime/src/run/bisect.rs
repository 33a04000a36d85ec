//! Finding the records that nobody accepts.

use pipeline_api::{Error, ErrorKind, RecordBatch, Result};

/// The rows that nobody accepts, and why.
pub(super) type Guilty = Vec<(usize, Error)>;

/// Calls `work` with the whole batch, and where it fails for the data, with ever smaller parts, in order. Returns the
/// results, and the guilty rows with their errors. Any other error ends it.
pub(super) fn bisect<T>(
    records: &RecordBatch,
    mut work: impl FnMut(RecordBatch) -> Result<T>,
) -> Result<(Vec<T>, Guilty)> {
    let (mut results, mut guilty) = (Vec::new(), Vec::new());
    let mut parts = vec![(0, records.num_rows())];
    while let Some((start, rows)) = parts.pop() {
        match work(records.slice(start, rows)) {
            Ok(result) => results.push(result),
            Err(error) if error.kind() != ErrorKind::Data => return Err(error),
            Err(error) if rows <= 1 => guilty.push((start, error)),
            Err(_) => parts.extend([(start + rows / 2, rows - rows / 2), (start, rows / 2)]),
        }
    }
    Ok((results, guilty))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn exactly_the_guilty_rows_are_found_and_their_neighbours_keep_their_order() -> Result<()> {
        let column = Arc::new(Int64Array::from_iter_values(0..1000));
        let records =
            RecordBatch::try_from_iter([("n", column as _)]).map_err(|error| Error::fatal(error.to_string()))?;
        let (results, guilty) = bisect(&records, |part| {
            let values = part.column(0).as_primitive::<Int64Type>().values().to_vec();
            if values.iter().any(|n| [0, 511, 512, 999].contains(n)) { Err(Error::data("guilty")) } else { Ok(values) }
        })?;
        assert_eq!(guilty.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 511, 512, 999]);
        let expected: Vec<i64> = (0..1000).filter(|n| ![0, 511, 512, 999].contains(n)).collect();
        assert_eq!(results.concat(), expected);
        Ok(())
    }
}
