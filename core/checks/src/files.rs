//! Whether files hold what the sink says that it wrote.

use pipeline_api::{Artifact, CheckOutcome, Verdict};

/// The outcomes of counting files one by one.
#[derive(Debug, Default)]
pub struct FilesCounted {
    wrong: Vec<CheckOutcome>,
    rows: u64,
    files: u64,
}

impl FilesCounted {
    /// Adds a file of `table` in which so many records were found; `None` if there is no such file.
    pub fn add(&mut self, table: &str, artifact: &Artifact, found: Option<u64>) {
        if found == Some(artifact.rows) {
            self.rows += artifact.rows;
            self.files += 1;
            return;
        }
        self.wrong.push(CheckOutcome {
            check: format!("{table}: row_count of {}", artifact.url),
            found: found.map_or_else(|| "no such file".into(), |rows| format!("{rows} rows")),
            expected: format!("{} rows", artifact.rows),
            verdict: Verdict::Failed,
        });
    }

    /// One outcome for all files that are right, and one for each that is not.
    pub fn outcomes(self, table: &str) -> Vec<CheckOutcome> {
        let Self { wrong: mut outcomes, rows, files } = self;
        if files > 0 {
            let text = format!("{rows} rows in {files} {}", if files == 1 { "file" } else { "files" });
            outcomes.push(CheckOutcome {
                check: format!("{table}: row_count"),
                found: text.clone(),
                expected: text,
                verdict: Verdict::Passed,
            });
        }
        outcomes
    }
}
