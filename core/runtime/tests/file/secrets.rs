//! No secret is ever shown.

use pipeline_runtime::file::{Color, Diagnostics};

use crate::{File, GOOD};

fn assert_hidden(diagnostics: &Diagnostics, secret: &str) {
    let everything = [
        diagnostics.render(Color::Never),
        diagnostics.render(Color::Always),
        diagnostics.to_json().to_string(),
        diagnostics.to_string(),
        format!("{diagnostics:?}"),
    ];
    for text in everything {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_value_of_the_environment_is_never_shown_wherever_it_is_wrong() {
    let secret = "hunter\"2";
    for (what, with) in [
        ("partitions: 6", "partitions: ${env:X}"),
        ("name: stocks", "name: ${env:X}"),
        ("name: demo_testing2", "name: ${env:X}"),
        ("key: symbol", "key: ${env:X}"),
        ("price: double", "price: ${env:X}"),
        ("type: lake", "type: ${env:X}"),
        ("url: file:///lake/stocks", "url: '${env:X}'"),
        ("url: file:///lake/stocks", "url: 'ftp://me:${env:X}@host'"),
        ("partition_by: [symbol]", "partition_by: ['${env:X}']"),
        ("partition_by: [symbol]", "compression: '${env:X}'"),
        ("partition_by: [symbol]", "part_size: '${env:X}'"),
        ("partition_by: [symbol]", "partition_by: '${env:X}'"),
    ] {
        let diagnostics = File::new(GOOD.replace(what, with)).env("X", secret).refused().await;
        assert_hidden(&diagnostics, secret);
        assert_hidden(&diagnostics, "hunter");
        assert!(diagnostics.to_string().contains("${env:X}"), "{with}: {diagnostics}");
    }
}

#[tokio::test]
async fn a_short_value_of_the_environment_is_not_shown_either() {
    let diagnostics = File::new(GOOD.replace("partitions: 6", "partitions: ${env:X}")).env("X", "x9").refused().await;
    assert_hidden(&diagnostics, "x9");
}

#[tokio::test]
async fn a_secret_in_the_file_is_masked_in_the_quoted_line() {
    let text = GOOD.replace("partition_by:", "secret_key: hunter2, partition_bx:");
    let diagnostics = File::new(text).refused().await;
    assert_hidden(&diagnostics, "hunter2");
    assert!(diagnostics.render(Color::Never).contains("secret_key: *******, partition_bx:"));
}

#[tokio::test]
async fn a_secret_of_the_wrong_type_is_not_shown() {
    let diagnostics = File::new(GOOD.replace("partition_by:", "secret_key: 123456789, partition_by:")).refused().await;
    assert_hidden(&diagnostics, "123456789");
    assert!(diagnostics.to_string().contains("secret_key: found `***`, expected a text"), "{diagnostics}");
}

#[tokio::test]
async fn a_secret_of_a_plugin_that_is_not_linked_is_masked_by_its_name() {
    let block = "  - type: lake\n    config: { url: file:///lake/stocks, partition_by: [symbol] }\n";
    let flow = "  - { type: lak, config: { url: file:///lake/stocks, secret_key: hunter2 } }\n";
    let diagnostics = File::new(GOOD.replace(block, flow)).refused().await;
    assert_hidden(&diagnostics, "hunter2");
    assert!(diagnostics.render(Color::Never).contains("secret_key: *******"));
}
