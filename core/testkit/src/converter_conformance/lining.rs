//! Values as lines.

use arrow::array::BinaryArray;

use super::Subject;
use crate::case::{Outcome, list_cases};

list_cases! {
    "Converter::lines": "One line for each value, in their order, ended by a newline" => [
        each_value_becomes_one_line,
    ]
    "Converter::lines": "`None` if that cannot be said of all of them" => [
        a_value_that_is_no_record_becomes_no_line,
    ]
}

async fn each_value_becomes_one_line(subject: Subject) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let values = converter.encode(&records)?;
    let Some(all) = converter.lines(&values) else { return Ok(()) };
    let mut alone = Vec::new();
    for row in 0..records.num_rows() {
        let line = converter.lines(&values.slice(row, 1)).ok_or("one value becomes no line, and all together do")?;
        let object: Result<serde_json::Map<_, _>, _> = serde_json::from_slice(&line);
        let ends = line.iter().filter(|byte| **byte == b'\n').count();
        assert!(
            object.is_ok() && line.ends_with(b"\n") && ends == 1,
            "{:?} is no line",
            String::from_utf8_lossy(&line)
        );
        alone.extend_from_slice(&line);
    }
    assert!(all == alone, "values become other lines together than by themselves");
    Ok(())
}

async fn a_value_that_is_no_record_becomes_no_line(subject: Subject) -> Outcome {
    let (converter, records) = (subject.open().await?, subject.records());
    let values = converter.encode(&records.slice(0, 2))?;
    for bad in [None, Some(&b""[..]), Some(b"\xff")] {
        let values: BinaryArray = [Some(values.value(0)), bad, Some(values.value(1))].into_iter().collect();
        assert!(converter.lines(&values).is_none(), "{bad:?} becomes a line");
    }
    Ok(())
}
