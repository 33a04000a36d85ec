//! The first thing that a person does.

use std::process::Stdio;

use crate::rows::{self, Row, assert_exactly};
use crate::support::{Project, Started};

const ROWS: usize = 12_154;

#[track_caller]
fn assert_delivered(project: &Project) {
    let expected = rows::csv(&project.read("data/stocks_daily.csv"));
    assert_eq!(expected.len(), ROWS);
    let mut parquet: Vec<Row> = rows::parquet(project, "out/stocks").iter().map(without_year).collect();
    parquet.sort_unstable();
    assert_exactly(&parquet, &expected, "parquet");
    assert_exactly(&rows::json(project, "out/stocks_json"), &expected, "json");
}

/// The row without the folder's `year`, which must be that of its date.
fn without_year(row: &Row) -> Row {
    let (columns, year) = row.rsplit_once("year=").unwrap();
    assert!(columns.contains(&format!("|date={}-", year.trim_end_matches('|'))), "{row}");
    columns.to_owned()
}

#[test]
fn every_row_of_the_csv_is_in_parquet_and_in_json_exactly_once_and_a_second_run_says_that_there_is_nothing_new() {
    let project = Project::quickstart();
    let first = project.run(&[]).with_code(0);
    assert_delivered(&project);
    for line in ["quickstart: all delivered (exactly_once", "12,154 records in", "12,154 records out", "checks"] {
        assert!(first.out.contains(line), "no `{line}` in\n{}", first.out);
    }
    assert_eq!(first.out.matches('✓').count(), 6, "{}", first.out);
    for title in ["Top gainers and losers in one day", "Volatility"] {
        let answer = first.out.split(title).nth(1).unwrap_or_else(|| panic!("no report `{title}` in\n{}", first.out));
        assert!(answer.trim_start().starts_with('+'), "no table below `{title}` in\n{}", first.out);
    }

    let files = project.files("out");
    let again = project.run(&[]).with_code(0).saying("Nothing new: an earlier run has read csv to the end");
    again.saying("To start over: pipeline reset quickstart.yaml");
    assert_eq!(project.files("out"), files);

    project
        .call(&["query", "quickstart.yaml", "SELECT count(*) AS n FROM stocks", "--format", "json"])
        .with_code(0)
        .saying("12154");
    let both = "SELECT count(*) AS n FROM stocks JOIN stocks_json USING (symbol, date)";
    project.call(&["query", "quickstart.yaml", both]).with_code(0).saying("12154");
}

#[test]
fn a_reset_asks_first_and_then_leaves_nothing_so_that_the_next_run_delivers_everything_again() {
    let project = Project::quickstart();
    project.replace("quickstart.yaml", "year(date)]", "year(date) as year]");
    project.run(&[]).with_code(0);
    let files = project.files(".");

    project.call(&["reset", "quickstart.yaml"]).with_code(2).complaining("add --yes");
    assert_eq!(project.files("."), files);

    project.call(&["reset", "quickstart.yaml", "--yes"]).with_code(0).saying("the next run starts at the beginning");
    assert_eq!(project.files("out"), Vec::<std::path::PathBuf>::new());
    project.run(&[]).with_code(0).saying("12,154 records in");
    assert_delivered(&project);
}

#[test]
fn a_store_that_is_in_use_is_refused_with_who_holds_it() {
    let project = Project::quickstart();
    project.replace(
        "quickstart.yaml",
        "path: data/stocks_daily.csv",
        "path: data/stocks_daily.csv\n      follow: true",
    );
    let mut command = project.runner(&[]);
    command.stdin(Stdio::null());
    let holder = Started::new(command);
    assert!(crate::support::becomes_true(
        || !project.files("out").is_empty() || project.path(".pipeline/quickstart/owner").exists()
    ));
    project.run(&[]).with_code(1).complaining("is held by process");
    project.call(&["reset", "quickstart.yaml", "--yes"]).with_code(1).complaining("is held by process");
    holder.signal("INT");
    holder.end().with_code(0);
    project.run(&["sources.0.config.follow=false"]).with_code(0);
    assert_delivered(&project);
}
