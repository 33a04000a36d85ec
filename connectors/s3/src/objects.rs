//! What is said of each object beside its bytes.

use std::collections::BTreeMap;

use object_store::{Attribute, Attributes, TagSet};
use pipeline_api::{Findings, OffsetRange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is said of each object beside its bytes. None of it is part of what a reader reads.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectSettings {
    /// The storage class, such as `STANDARD_IA` or `INTELLIGENT_TIERING`. Default: what the bucket says.
    pub storage_class: Option<String>,

    /// How the store encrypts the object. Default: what the bucket says.
    pub encryption: Option<Encryption>,

    /// The key of KMS, its id or ARN, for `encryption: kms`. Default: the key that AWS keeps for S3.
    pub kms_key_id: Option<String>,

    /// Tags, at most 10, for cost reports and lifecycle rules. Needs the permission `s3:PutObjectTagging`.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,

    /// Adds what the object holds as its metadata: `rows`, and `first-offset` and `end-offset` (one past the last) of its topic
    /// partition.
    #[serde(default)]
    pub metadata: bool,
}

/// How the store encrypts an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// With keys of S3 (SSE-S3, `AES256`).
    S3,
    /// With a key of KMS (SSE-KMS, `aws:kms`).
    Kms,
    /// With a key of KMS, twice (DSSE-KMS, `aws:kms:dsse`).
    KmsTwice,
}

/// The most tags of an object, and the longest key and value of one ("Amazon S3 User Guide", object tagging).
const MOST_TAGS: usize = 10;
const LONGEST_TAG: (usize, usize) = (128, 256);

impl ObjectSettings {
    /// Reports what is wrong with them.
    pub(crate) fn check(&self, findings: &mut Findings) {
        if let Some(class) = &self.storage_class
            && (class.is_empty() || !class.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        {
            findings.error(
                "/objects/storage_class",
                format!("`{class}` is no storage class, expected one such as STANDARD_IA"),
            );
        }
        if self.kms_key_id.is_some() && !matches!(self.encryption, Some(Encryption::Kms | Encryption::KmsTwice)) {
            findings.error("/objects/kms_key_id", "a key of KMS needs `encryption: kms`");
        }
        if self.tags.len() > MOST_TAGS {
            findings.error("/objects/tags", format!("{} tags, and an object has at most {MOST_TAGS}", self.tags.len()));
        }
        for (key, value) in &self.tags {
            let (key_chars, value_chars) = (key.chars().count(), value.chars().count());
            if key.is_empty() || key_chars > LONGEST_TAG.0 || value_chars > LONGEST_TAG.1 {
                findings.error(
                    format!("/objects/tags/{key}"),
                    format!("a tag has 1 to {} characters, and its value at most {}", LONGEST_TAG.0, LONGEST_TAG.1),
                );
            }
        }
    }

    /// Whether the file says anything.
    pub(crate) fn is_given(&self) -> bool {
        let Self { storage_class, encryption, kms_key_id, tags, metadata } = self;
        storage_class.is_some() || encryption.is_some() || kms_key_id.is_some() || !tags.is_empty() || *metadata
    }

    /// What the client is told of encryption, by the names that object_store has for it.
    pub(crate) fn encryption(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let name = self.encryption.map(|encryption| match encryption {
            Encryption::S3 => "AES256",
            Encryption::Kms => "aws:kms",
            Encryption::KmsTwice => "aws:kms:dsse",
        });
        let name = name.map(|name| ("aws_server_side_encryption", name));
        name.into_iter().chain(self.kms_key_id.as_deref().map(|key| ("aws_sse_kms_key_id", key)))
    }

    pub(crate) fn tag_set(&self) -> TagSet {
        let mut tags = TagSet::default();
        for (key, value) in &self.tags {
            tags.push(key, value);
        }
        tags
    }

    /// Of an object with so many rows of these offsets.
    pub(crate) fn attributes(&self, rows: u64, offsets: OffsetRange) -> Attributes {
        let mut attributes = Attributes::new();
        if let Some(class) = &self.storage_class {
            attributes.insert(Attribute::StorageClass, class.clone().into());
        }
        if self.metadata {
            let described = [
                ("rows", rows.to_string()),
                ("first-offset", offsets.start.to_string()),
                ("end-offset", offsets.end.to_string()),
            ];
            for (name, value) in described {
                attributes.insert(Attribute::Metadata(name.into()), value.into());
            }
        }
        attributes
    }
}
