//! Queries over files that were written, and tables that were registered, by other code.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use url::Url;

use super::*;
use crate::testing::{batch, write_parquet};

/// Registers a table by hand, as text.
fn register(
    folder: &Path,
    name: &str,
    format: &str,
    columns: &str,
    partition_columns: &str,
    partitions: &[(&str, &str)],
) {
    let column = |text: &str| {
        let columns = text.split(';').filter(|column| !column.is_empty()).map(|column| {
            let (name, of) = column.split_once(' ').unwrap();
            serde_json::json!({ "name": name, "type": of })
        });
        columns.collect::<Vec<_>>()
    };
    let partitions = partitions.iter().map(|(values, path)| {
        let values = values.split(';').map(|value| if value == "-" { None } else { Some(value) });
        let location = Url::from_directory_path(folder.join(name).join(path)).unwrap();
        serde_json::json!({ "values": values.collect::<Vec<_>>(), "location": location.as_str() })
    });
    let table = serde_json::json!({
        "name": name, "pipeline": "p", "format": format,
        "location": Url::from_directory_path(folder.join(name)).unwrap().as_str(),
        "columns": column(columns), "partition_columns": column(partition_columns),
        "partitions": partitions.collect::<Vec<_>>(),
    });
    fs::create_dir_all(folder.join("catalog")).unwrap();
    fs::write(folder.join("catalog").join(format!("{name}.json")), table.to_string()).unwrap();
}

async fn answer(folder: &Path, sql: &str) -> String {
    let batches = query(folder.join("catalog"), sql).await.unwrap();
    let lines = batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).map(|row| {
            let cells = batch.columns().iter().map(|c| arrow::util::display::array_value_to_string(c, row).unwrap());
            cells.collect::<Vec<_>>().join(" ")
        })
    });
    lines.collect::<Vec<_>>().join("|")
}

fn closes(values: &[f64]) -> RecordBatch {
    batch(vec![("close", Arc::new(Float64Array::from(values.to_vec())))])
}

#[tokio::test]
async fn partition_values_come_from_the_catalog_with_their_types() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(folder.path(), "stocks/symbol=A%3AB ü/year=2012/f.parquet", &closes(&[1.0, 2.0]));
    write_parquet(folder.path(), "stocks/symbol=100%25/year=2013/f.parquet", &closes(&[3.0]));
    write_parquet(folder.path(), "stocks/symbol=__HIVE_DEFAULT_PARTITION__/year=2014/f.parquet", &closes(&[4.0]));
    let partitions = [
        ("A:B ü;2012", "symbol=A%3AB ü/year=2012"),
        ("100%;2013", "symbol=100%25/year=2013"),
        ("-;2014", "symbol=__HIVE_DEFAULT_PARTITION__/year=2014"),
    ];
    register(folder.path(), "stocks", "parquet", "close double", "symbol string;year int", &partitions);
    let path = folder.path();
    assert_eq!(
        answer(path, "SELECT symbol, year + 1, sum(close) FROM stocks GROUP BY 1, 2 ORDER BY 2").await,
        "A:B ü 2013 3.0|100% 2014 3.0| 2015 4.0"
    );
    assert_eq!(answer(path, "SELECT sum(close) FROM stocks WHERE symbol IS NULL").await, "4.0");
    assert_eq!(answer(path, "SELECT close FROM stocks WHERE year > 2012 AND close < 4").await, "3.0");
    assert_eq!(answer(path, "SELECT count(*) FROM stocks").await, "4");
    assert_eq!(answer(path, "SELECT count(*) FROM stocks WHERE symbol = 'A:B ü' OR close = 4").await, "3");
    assert_eq!(answer(path, "SELECT year FROM stocks ORDER BY year DESC LIMIT 1").await, "2014");
}

#[tokio::test]
async fn a_filter_on_partition_columns_leaves_the_other_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(folder.path(), "stocks/year=2012/f.parquet", &closes(&[1.0]));
    fs::create_dir_all(folder.path().join("stocks/year=2013")).unwrap();
    fs::write(folder.path().join("stocks/year=2013/f.parquet"), "no parquet at all").unwrap();
    let partitions = [("2012", "year=2012"), ("2013", "year=2013")];
    register(folder.path(), "stocks", "parquet", "close double", "year int", &partitions);
    assert_eq!(answer(folder.path(), "SELECT close FROM stocks WHERE year < 2013").await, "1.0");
    assert_eq!(answer(folder.path(), "SELECT close FROM stocks WHERE year IN (2012, 2010)").await, "1.0");
    let error = query(folder.path().join("catalog"), "SELECT close FROM stocks").await.unwrap_err();
    assert_eq!(error.kind(), pipeline_api::ErrorKind::Fatal);
}

#[tokio::test]
async fn json_lines_are_read_plain_and_compressed_and_what_is_no_data_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("ticks");
    fs::create_dir_all(table.join("below")).unwrap();
    let line =
        |n: u32| format!("{{\"at\":\"2024-01-02 13:00:00.12{n}\",\"price\":1.5,\"n\":{n},\"d\":\"2024-01-0{n}\"}}\n");
    fs::write(table.join("a.json"), line(1) + &line(2)).unwrap();
    let gzip = fs::File::create(table.join("b.json.gz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(gzip, flate2::Compression::fast());
    gzip.write_all(line(3).as_bytes()).unwrap();
    gzip.finish().unwrap();
    fs::write(table.join("c.json.zst"), zstd::encode_all(line(4).as_bytes(), 1).unwrap()).unwrap();
    for stray in ["_started", ".hidden", "d.json#1", "below/e.json"] {
        fs::write(table.join(stray), "{").unwrap();
    }
    fs::write(table.join("empty.json"), "").unwrap();
    let columns = "at timestamp;price double;n bigint;d date;later string";
    register(folder.path(), "ticks", "json_lines", columns, "", &[]);
    let path = folder.path();
    assert_eq!(answer(path, "SELECT count(*) FROM ticks").await, "4");
    assert_eq!(
        answer(path, "SELECT sum(n), sum(price), max(at), max(d), count(later) FROM ticks").await,
        "10 6.0 2024-01-02T13:00:00.124 2024-01-04 0"
    );
    assert_eq!(answer(path, "SELECT n FROM ticks WHERE n > 1 AND d < DATE '2024-01-04' ORDER BY n").await, "2|3");
}

#[tokio::test]
async fn an_empty_answer_has_columns_and_a_table_without_files_has_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    register(folder.path(), "stocks", "parquet", "close double not null", "year int", &[("2012", "year=2012")]);
    let batches = query(folder.path().join("catalog"), "SELECT * FROM stocks").await.unwrap();
    assert_eq!(batches.len(), 1);
    let expected = [Field::new("close", DataType::Float64, true), Field::new("year", DataType::Int32, true)];
    assert!(batches[0].schema().fields().iter().map(AsRef::as_ref).eq(&expected));
    assert_eq!(answer(folder.path(), "SELECT count(*) FROM stocks").await, "0");
}

#[tokio::test]
async fn a_null_where_none_should_be_is_found_although_the_table_says_not_null() {
    let folder = tempfile::tempdir().unwrap();
    let records = batch(vec![("id", Arc::new(Int64Array::from(vec![Some(1), None])))]);
    write_parquet(folder.path(), "t/f.parquet", &records);
    register(folder.path(), "t", "parquet", "id bigint not null;new string", "", &[]);
    assert_eq!(answer(folder.path(), "SELECT count(*) FROM t WHERE id IS NULL AND new IS NULL").await, "1");
}

#[tokio::test]
async fn a_query_that_does_not_fit_is_refused_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    register(folder.path(), "stocks", "parquet", "close double", "", &[]);
    for (sql, reason) in [
        ("SELECT * FROM stoks", "there is no table `stoks`, did you mean `stocks`?"),
        ("SELECT clsoe FROM stocks", "unknown column `clsoe`, did you mean `close`?"),
        ("SELEC 1", "expected"),
        ("DROP TABLE stocks", "ddl not supported"),
        ("INSERT INTO stocks VALUES (1)", "dml not supported"),
        ("COPY stocks TO 'x.parquet'", "dml not supported"),
    ] {
        let error = query(folder.path().join("catalog"), sql).await.unwrap_err();
        assert_eq!(error.kind(), pipeline_api::ErrorKind::Config, "{sql}: {error:?}");
        assert!(error.to_string().to_lowercase().contains(reason), "{sql}: {error}");
    }
    let nothing = query(folder.path().join("none"), "SELECT * FROM stocks").await.unwrap_err();
    assert!(nothing.to_string().contains("run the pipeline first"), "{nothing}");
}

/// The stocks of the quickstart, split by symbol and year as its sink splits them, with the arithmetic of this test.
fn write_stocks(folder: &Path) {
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../pipelines/data/stocks_daily.csv")).unwrap();
    let mut groups: std::collections::BTreeMap<(String, String), Vec<Vec<String>>> = Default::default();
    for line in text.lines().skip(1) {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        groups.entry((cells[0].clone(), cells[1][..4].to_owned())).or_default().push(cells);
    }
    let mut partitions = Vec::new();
    for ((symbol, year), rows) in &groups {
        let number =
            |column: usize| Arc::new(Float64Array::from_iter(rows.iter().map(|row| row[column].parse::<f64>().ok())));
        let dates = StringArray::from_iter_values(rows.iter().map(|row| &row[1]));
        let dates = arrow::compute::cast(&dates, &DataType::Date32).unwrap();
        let volumes = Int64Array::from_iter(rows.iter().map(|row| row[6].parse::<i64>().ok()));
        let records = batch(vec![
            ("date", dates),
            ("open", number(2)),
            ("high", number(3)),
            ("low", number(4)),
            ("close", number(5)),
            ("volume", Arc::new(volumes)),
            ("adj_close", number(7)),
        ]);
        let path = format!("symbol={symbol}/year={year}");
        write_parquet(folder, &format!("stocks/{path}/f.parquet"), &records);
        partitions.push((format!("{symbol};{year}"), path));
    }
    let partitions: Vec<_> = partitions.iter().map(|(values, path)| (values.as_str(), path.as_str())).collect();
    let columns = "date date;open double;high double;low double;close double;volume bigint;adj_close double";
    register(folder, "stocks", "parquet", columns, "symbol string;year int", &partitions);
}

/// The expected numbers were computed from the CSV by awk.
#[tokio::test]
async fn the_quickstarts_reports_give_what_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    write_stocks(folder.path());
    let [prices, gainers, volatility] = REPORTS;
    let prices = answer(folder.path(), prices).await;
    assert!(prices.starts_with("AAPL 2013-03-01 434.16 19730300|FB 2013-03-01 27.44 54064800|GOOG"), "{prices}");
    assert_eq!(
        answer(folder.path(), gainers).await,
        "AAPL 2000-03-01 2013-03-01 4.19 56.14 1240.9|GOOG 2004-08-19 2013-03-01 50.32 404.34 703.5|\
         IBM 2000-03-01 2013-03-01 73.67 175.27 137.9|MSFT 2000-03-01 2013-03-01 30.23 24.68 -18.3|\
         FB 2012-05-18 2013-03-01 38.23 27.78 -27.3"
    );
    assert_eq!(
        answer(folder.path(), volatility).await,
        "FB 195 3.79 60.2|AAPL 3269 2.9 46.0|GOOG 2147 2.17 34.4|MSFT 3269 2.08 33.0|IBM 3269 1.76 28.0"
    );
    assert_eq!(answer(folder.path(), "SELECT count(*) FROM stocks").await, "12154");
    assert_eq!(answer(folder.path(), "SELECT count(*) FROM stocks WHERE symbol = 'FB' AND year = 2012").await, "155");
}

/// Average price per symbol and day, top gainers and losers, volatility.
const REPORTS: [&str; 3] = [
    "SELECT symbol, date, round(avg((open + high + low + close) / 4), 2) AS average_price, sum(volume) AS volume
      FROM stocks GROUP BY symbol, date ORDER BY date DESC, symbol LIMIT 10",
    "WITH ends AS (
        SELECT symbol, min(date) AS first_day, max(date) AS last_day,
               min_by(adj_close, date) AS first_close, max_by(adj_close, date) AS last_close
        FROM stocks GROUP BY symbol)
      SELECT symbol, first_day, last_day, round(first_close, 2) AS first_close, round(last_close, 2) AS last_close,
             round(100 * (last_close / first_close - 1), 1) AS change_percent
      FROM ends ORDER BY change_percent DESC",
    "WITH returns AS (
        SELECT symbol, adj_close / lag(adj_close) OVER (PARTITION BY symbol ORDER BY date) - 1 AS daily_return
        FROM stocks)
      SELECT symbol, count(daily_return) AS days, round(100 * stddev(daily_return), 2) AS daily_percent,
             round(100 * stddev(daily_return) * sqrt(252), 1) AS yearly_percent
      FROM returns GROUP BY symbol ORDER BY daily_percent DESC",
];
