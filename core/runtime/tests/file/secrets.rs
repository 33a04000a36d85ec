//! No secret is ever shown.

use pipeline_runtime::file::{Color, Diagnostics};

use crate::{File, GOOD};
use pipeline_runtime::KafkaSettings;

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
async fn a_secret_in_a_list_or_mapping_that_should_be_a_text_is_not_shown() {
    for wrong in ["[hunter2]", "{ a: [{ b: hunter2 }] }", "!x hunter2", "&a hunter2, other: *a"] {
        let text = GOOD.replace("partition_by:", &format!("secret_key: {wrong}, partition_bx:"));
        assert_hidden(&File::new(text).refused().await, "hunter2");
    }
}

#[tokio::test]
async fn a_secret_under_a_misspelt_name_or_in_the_wrong_place_is_not_shown() {
    for (what, with) in [
        ("partition_by: [symbol]", "secret_kye: hunter2"),
        ("partition_by: [symbol]", "password: { of: [hunter2] }"),
        (
            "  - type: lake\n    config:",
            "  - { type: lake, secret_key: hunter2, config: {} }\n  - type: lake\n    config:",
        ),
        ("name: stocks", "api_key: hunter2\nname: stocks"),
    ] {
        assert_hidden(&File::new(GOOD.replacen(what, with, 1)).refused().await, "hunter2");
    }
}

#[tokio::test]
async fn a_secret_in_a_file_that_is_no_yaml_is_not_shown() {
    for wrong in [
        "secret_key: \"hunter2, partition_by: [symbol] }",
        "secret_key: @hunter2 }",
        "\"secret_key\": 'hunter2' ] }",
        "partition_by: [, secret_key: hunter2 }",
        "path: x } }\n    password: hunter2\n   token: hunter2",
        "path: x }\n    password: |\n      hunter2\n     hunter2: [\n",
        "path: x }\n    at: [ s3://me:hunter2@lake }",
    ] {
        let text = GOOD.replace("partition_by: [symbol] }", wrong);
        let diagnostics = File::new(text).refused().await;
        assert!(diagnostics.to_string().contains("no YAML"), "{wrong}: {diagnostics}");
        assert_hidden(&diagnostics, "hunter2");
    }
}

#[tokio::test]
async fn a_secret_of_a_plugin_that_is_not_linked_is_masked_by_its_name() {
    let block = "  - type: lake\n    config: { url: file:///lake/stocks, partition_by: [symbol] }\n";
    let flow = "  - { type: lak, config: { url: file:///lake/stocks, secret_key: hunter2 } }\n";
    let diagnostics = File::new(GOOD.replace(block, flow)).refused().await;
    assert_hidden(&diagnostics, "hunter2");
    assert!(diagnostics.render(Color::Never).contains("secret_key: *******"));
}

#[tokio::test]
async fn the_default_of_a_secret_is_hidden_also_where_it_is_not_needed() {
    for (name, value) in [("X", "other-secret"), ("Y", "unused")] {
        let text = GOOD.replace("partition_by:", "secret_key: 'a${env:X:-hunter2}', partition_bx:");
        let diagnostics = File::new(text).env(name, value).refused().await;
        assert_hidden(&diagnostics, "hunter2");
        assert_hidden(&diagnostics, value);
    }
}

#[tokio::test]
async fn a_placeholder_that_is_none_shows_no_part_of_a_secret() {
    for secret in ["hun${ter}2", "hun${ter", "${env:hun-ter}2", "hun${env:NONE:-${ter}}2"] {
        let text = GOOD.replace("partition_by:", &format!("secret_key: '{secret}', partition_bx:"));
        let diagnostics = File::new(text).refused().await;
        assert_hidden(&diagnostics, "ter");
    }
}

#[tokio::test]
async fn the_user_part_of_a_url_is_hidden_wherever_it_stands() {
    for (what, with) in [
        ("url: file:///lake/stocks", "url: 'ftp://me:hunter2@host'"),
        ("url: file:///lake/stocks", "url: 'ftp://me:hunter2{}@host', pth: x"),
        ("url: file:///lake/stocks", "url: 'ftp://me:hunter2 @host', pth: x"),
        ("url: file:///lake/stocks", "url: '${env:X:-ftp://me:hunter2@host}', pth: x"),
        ("path: stocks.csv", "path: 'https://me:hunter2@host/x.csv', pth: x"),
        ("partition_by: [symbol]", "partition_by: ['s3://hunter2@host/a']"),
        ("partition_by: [symbol] }", "partition_bx: 1 } # was s3://me:hunter2@lake"),
    ] {
        assert_hidden(&File::new(GOOD.replace(what, with)).env("X", "file:///x").refused().await, "hunter2");
    }
}

#[tokio::test]
async fn a_secret_is_hidden_wherever_else_the_file_repeats_it() {
    let text = GOOD.replace("partition_by: [symbol] }", "secret_key: hunter2, partition_by: [hunter2] } # hunter2");
    assert_hidden(&File::new(text).refused().await, "hunter2");
}

#[tokio::test]
async fn a_plan_takes_the_secrets_of_its_file_out_of_what_is_said_of_a_run() {
    let text = GOOD.replace("partition_by:", "secret_key: 'hunter-${env:X}', partition_by:");
    let text = text.replace("stocks.csv", "'${env:PLACE}.csv'") + "    name: ${env:SHORT}\n";
    let file = File::new(text).env("X", "one").env("PLACE", "a/hunter-two").env("SHORT", "lake");
    let plan = file.env("LAKE_PASSWORD", "hunter-three").loaded().await.plan;
    let said = "hunter-one, a/hunter-two.csv, hunter-three, lake, a2V5PWh1bnRlci1vbmU=";
    let shown = "***, ${env:PLACE}.csv, ${env:LAKE_PASSWORD}, lake, a2V5PW***U=";
    assert_eq!(plan.secrets.redact(said), shown);
    assert!(!format!("{plan:?}").contains("hunter"));
}

#[tokio::test]
async fn a_secret_of_kafka_is_not_shown_wherever_it_is_wrong() {
    let slips = ["sasl.pasword", "ssl.keystore.pasword", "SASL.PASSWORD", "my.secret", "sasl.jaas.conf", "ssl_key"];
    for name in KafkaSettings::SECRETS.into_iter().chain(slips) {
        for block in [
            format!("kafka: {{ bootstrap.servers: k, {name}: hunter2, x: hunter2 }}"),
            format!("kafka: {{ bootstrap.servers: k, {name}: [hunter2] }}"),
            format!("kafka:\n  {name}: hunter2\n  y: 1"),
            format!("kafka: {{ bootstrap.servers: k, consumer: {{ {name}: hunter2, y: 1 }} }}"),
            format!("kafka: {{ bootstrap.servers: k, admin: {{ {name}: {{ a: hunter2 }} }} }}"),
            format!("kafka: {{ bootstrap.servers: k, consumr: {{ {name}: hunter2 }} }}"),
        ] {
            assert_hidden(&File::new(format!("{GOOD}{block}\n")).refused().await, "hunter2");
        }
    }
}

#[tokio::test]
async fn a_plan_hides_the_secrets_of_kafka_and_shows_the_rest() {
    let block = "kafka: { bootstrap.servers: k:9092, sasl.password: hunter-one, consumer: { sasl.password: 'hunter-${env:X}' }, ssl.ca.location: ca.pem }\n";
    let plan = File::new(format!("{GOOD}{block}")).env("X", "two").loaded().await.plan;
    let said = "hunter-one hunter-two aHVudGVyLW9uZQ k:9092 ca.pem";
    assert_eq!(plan.secrets.redact(said), "*** *** ***Q k:9092 ca.pem");
    assert!(!format!("{plan:?}").contains("hunter"), "{plan:?}");
}

#[tokio::test]
async fn where_a_cluster_is_comes_from_the_environment_and_is_shown() {
    let block = "kafka: { bootstrap.servers: '${env:KAFKA}', sasl.password: '${env:WORD}' }\n";
    let file = File::new(format!("{GOOD}{block}")).env("KAFKA", "kafka.example:9092").env("WORD", "hunter-three");
    let redacted = file.loaded().await.plan.secrets.redact("kafka.example:9092 hunter-three");
    assert!(redacted.starts_with("kafka.example:9092 ") && !redacted.contains("hunter"), "{redacted}");
}

#[tokio::test]
async fn the_path_of_a_file_with_a_secret_is_none() {
    let block = "kafka: { bootstrap.servers: k, ssl.key.location: key.pem, y: key.pem }\n";
    let refused = File::new(format!("{GOOD}{block}")).refused().await;
    assert!(refused.to_string().contains("found `key.pem`"), "{refused}");
}
