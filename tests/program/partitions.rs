//! Values that become folders, read back by other means than those that named them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::Value;

use crate::letters;
use crate::support::{Ended, Project, Started};

const PIPELINE: &str = include_str!("../partitions/partitions.yaml");
const VALUES: &str = include_str!("../partitions/values.json");

/// What Hive calls null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The values of the records that can land, or of the others, by their ids.
fn values(land: Value) -> BTreeMap<i64, Option<String>> {
    let records = VALUES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let chosen = records.filter(|record| record["lands"] == land);
    chosen.map(|record| (record["id"].as_i64().unwrap(), record["value"].as_str().map(str::to_owned))).collect()
}

fn run(project: &Project, sets: &[&str]) -> Ended {
    project.write("values.json", VALUES);
    let mut command = project.runner(sets);
    command.stdin(File::open(project.path("values.json")).unwrap());
    Started::new(command).end()
}

#[test]
fn every_value_has_one_folder_that_reads_back_as_the_value_or_its_record_is_a_dead_letter() {
    let project = Project::new(PIPELINE);
    run(&project, &[]).with_code(0);
    let expected = values(true.into());
    assert_eq!(read_back(&project, "out/parquet", parquet_ids), expected);
    assert_eq!(read_back(&project, "out/json", json_ids), expected);
    let strangers: Vec<_> =
        fs::read_dir(project.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(strangers.len(), 2, "{strangers:?}");

    let refused = values(false.into());
    let letters = letters::read(&project, ".pipeline/partitions", "dead_letters");
    for sink in ["parquet", "json"] {
        let own = letters.iter().filter(|letter| letter.header("connector.name") == sink);
        let mut ids = BTreeSet::new();
        for letter in own {
            let reason = letter.header("exception.message");
            assert!(reason.starts_with("partition column `value`"), "{reason}");
            assert!(reason.ends_with("in a transform"), "{reason}");
            ids.insert(letter.header("offset").parse::<i64>().unwrap());
        }
        assert_eq!(ids, refused.keys().copied().collect(), "{sink}");
    }
}

#[test]
fn more_values_than_allowed_stop_the_run_with_how_to_go_on() {
    let project = Project::new(PIPELINE);
    let limit = format!("sinks.0.config.max_partitions={}", values(true.into()).len() - 1);
    run(&project, &[&limit]).with_code(1).complaining("or raise max_partitions");
    assert!(project.files("out/parquet").is_empty());
    // The records are on the topic, and nothing more is typed.
    project.run(&[]).with_code(0);
    assert_eq!(read_back(&project, "out/parquet", parquet_ids), values(true.into()));
}

/// The value in the path of each record, by the record's id.
fn read_back(project: &Project, folder: &str, ids: fn(&Path) -> Vec<i64>) -> BTreeMap<i64, Option<String>> {
    let mut found = BTreeMap::new();
    for file in project.files(folder) {
        let path = file.strip_prefix(project.path(folder)).unwrap();
        let [segment, _] = path.iter().collect::<Vec<_>>()[..] else {
            panic!("{} is no folder and a file", path.display())
        };
        let value = segment.to_str().unwrap().strip_prefix("value=").unwrap();
        let value = (value != NULL).then(|| percent_decoded(value));
        let [id] = ids(&file)[..] else { panic!("{} holds not one record", path.display()) };
        assert_eq!(found.insert(id, value), None);
    }
    found
}

fn parquet_ids(file: &Path) -> Vec<i64> {
    let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
    // The columns are `id` and `lands`.
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().get_long(0).unwrap()).collect()
}

fn json_ids(file: &Path) -> Vec<i64> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap()).collect()
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, behind) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend_from_slice(behind.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}
