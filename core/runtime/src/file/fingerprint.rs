//! What shapes the objects that a sink leaves behind.

use arrow::datatypes::Schema;
use pipeline_api::column_type;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::secrets::write_only;
use crate::plan::{PluginPlan, TopicPlan, TransformPlan};

/// 16 hex digits that change with the sink's config, its transforms, the topic's schema and its converter, and not with a
/// secret or the order in which fields are written.
pub(super) fn fingerprint(sink: &PluginPlan, transforms: &[TransformPlan], topic: &TopicPlan) -> String {
    let transform = |transform: &TransformPlan| json!({ "plugin": plugin(&transform.plugin), "when": transform.when.as_ref().map(plugin) });
    let mut all = json!({
        "sink": plugin(sink),
        "transforms": transforms.iter().map(transform).collect::<Vec<_>>(),
        "schema": columns(&topic.schema),
        "converter": plugin(&topic.converter),
    });
    all.sort_all_objects();
    let digest = Sha256::digest(all.to_string());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plugin(plan: &PluginPlan) -> Value {
    let mut config = plan.config.clone();
    let mut secret = Vec::new();
    write_only(&plan.config, &plan.registration.config_schema(), "", &mut |at, _| secret.push(at.to_owned()));
    for at in secret {
        if let Some(value) = config.pointer_mut(&at) {
            *value = Value::Null;
        }
    }
    json!({ "type": plan.registration.type_name(), "config": config })
}

fn columns(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| format!("{} {}", field.name(), column_type(field))).collect()
}
