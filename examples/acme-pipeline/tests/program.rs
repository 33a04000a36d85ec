//! The program runs a pipeline whose source is not the project's.

use std::process::Command;

#[test]
fn the_weekdays_of_two_weeks_are_shown_in_their_order() {
    let ended = Command::new(env!("CARGO_BIN_EXE_acme-pipeline")).args(["run", "weekdays.yaml"]).output();
    let ended = ended.expect("the program was built with this test");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{out}\n{err}");
    let shown: Vec<&str> =
        out.split_whitespace().filter(|word| word.ends_with("day")).filter(|word| *word != "weekday").collect();
    let week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
    assert_eq!(shown, [week, week].concat(), "{out}");
}
