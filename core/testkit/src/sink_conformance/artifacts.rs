//! What a sink says of what it wrote.

use std::ops::Range;

use pipeline_api::{Artifact, OffsetRange};

use super::Subject;
use super::writing::{ROWS, Spans, number};
use crate::case::{Outcome, list_cases};

list_cases! {
    "Artifact": "One durable thing that a sink wrote: a file or an object." => [
        artifacts_say_what_was_written_neither_more_nor_less,
    ]
    "Artifact::offsets": "The offsets that its flush covered. Several artifacts of one flush share them." => [
        each_artifact_is_of_one_partition_and_its_range,
    ]
    "Artifact::url": "Begins with the [`Dataset::location`]." => [
        artifacts_lie_below_the_location_of_the_dataset,
    ]
    "Artifact::partition_values": "The value of each partition column, in the order of [`Dataset::partition_columns`]." => [
        artifacts_have_a_value_for_each_partition_column,
    ]
    "Sink::dataset": "Pure: called before anything runs." => [
        the_dataset_is_known_before_anything_runs,
    ]
}

async fn artifacts_say_what_was_written_neither_more_nor_less(subject: Subject) -> Outcome {
    let spans = [(0, 0..100), (1, 0..50)];
    let artifacts = subject.write(subject.open().await?.as_mut(), &spans, ROWS).await?;
    subject.assert_artifacts(&artifacts, &spans);
    Ok(())
}

impl Subject {
    /// Panics unless these artifacts are what the flush of these ranges left.
    pub(super) fn assert_artifacts(&self, artifacts: &[Artifact], spans: &Spans) {
        let nothing_to_read_back = matches!(self.dataset(), Ok(None));
        if nothing_to_read_back && artifacts.is_empty() {
            return;
        }
        let stored = self.stored();
        let mut rows = 0;
        for Artifact { url, rows: said, bytes, partition, offsets, .. } in artifacts {
            let found = stored.iter().find(|stored| stored.url == *url);
            let found = found.unwrap_or_else(|| panic!("an artifact says {url}, where nothing is durable"));
            assert_eq!(found.numbers.len() as u64, *said, "an artifact says so many rows of {url}");
            assert_eq!(found.bytes.len() as u64, *bytes, "an artifact says so many bytes of {url}");
            let span = spans.iter().find(|(number, _)| self.partition(*number) == *partition);
            let span = span.unwrap_or_else(|| panic!("an artifact says {partition}, which was not flushed"));
            assert_eq!(*offsets, OffsetRange::new(span.1.start, span.1.end), "an artifact says these offsets of {url}");
            let is_of_span = |row: &i64| (number(span.0, span.1.start)..number(span.0, span.1.end)).contains(row);
            let foreign = found.numbers.iter().find(|row| !is_of_span(row));
            assert_eq!(foreign, None, "a record of another partition or range is in {url}");
            rows += *said;
        }
        let expected: i64 = spans.iter().map(|(_, Range { start, end })| end - start).sum();
        assert_eq!(rows, expected as u64, "all artifacts of a flush together say so many rows");
    }
}

async fn each_artifact_is_of_one_partition_and_its_range(subject: Subject) -> Outcome {
    let mut sink = subject.open().await?;
    for spans in [[(0, 7..100), (1, 0..50), (11, 3..9)], [(0, 100..120), (1, 50..90), (11, 9..10)]] {
        let artifacts = subject.write(sink.as_mut(), &spans, ROWS).await?;
        subject.assert_artifacts(&artifacts, &spans);
    }
    let mut urls: Vec<String> = subject.stored().into_iter().map(|stored| stored.url).collect();
    let all = urls.len();
    urls.dedup();
    assert_eq!(urls.len(), all, "two durable things have one address");
    Ok(())
}

async fn artifacts_lie_below_the_location_of_the_dataset(subject: Subject) -> Outcome {
    let artifacts = subject.write(subject.open().await?.as_mut(), &[(0, 0..50)], ROWS).await?;
    let Some(dataset) = subject.dataset()? else { return Ok(()) };
    assert!(dataset.location.ends_with('/'), "the location {} has no slash at its end", dataset.location);
    for artifact in artifacts {
        let url = &artifact.url;
        assert!(url.starts_with(&dataset.location), "{url} does not begin with {}", dataset.location);
    }
    Ok(())
}

async fn artifacts_have_a_value_for_each_partition_column(subject: Subject) -> Outcome {
    let artifacts = subject.write(subject.open().await?.as_mut(), &[(0, 0..50)], ROWS).await?;
    let Some(dataset) = subject.dataset()? else { return Ok(()) };
    let columns: Vec<&str> = dataset.partition_columns.fields().iter().map(|field| field.name().as_str()).collect();
    for artifact in &artifacts {
        let found: Vec<&str> = artifact.partition_values.iter().map(|value| value.column.as_str()).collect();
        assert_eq!(found, columns, "the partition columns of {}", artifact.url);
    }
    Ok(())
}

async fn the_dataset_is_known_before_anything_runs(subject: Subject) -> Outcome {
    let before = subject.dataset()?;
    let entries = std::fs::read_dir(subject.folder.path())?.count();
    assert_eq!(entries, 0, "`dataset` made something in the folder of the pipeline file");
    subject.write(subject.open().await?.as_mut(), &[(0, 0..50)], ROWS).await?;
    assert_eq!(subject.dataset()?, before, "the dataset is another one after a flush");
    Ok(())
}
