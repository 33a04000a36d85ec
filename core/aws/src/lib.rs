//! What the connectors of AWS share: how a file says where AWS is and who calls, and what its errors mean.
//!
//! A connector embeds [`AwsSettings`] in its config, calls [`AwsSettings::load`] in `open`, and gives what its client
//! answers to [`failed`].

mod credentials;
mod endpoint;
mod failure;
mod settings;

pub use aws_types::SdkConfig;
pub use credentials::{Credentials, CredentialsCache};
pub use endpoint::{has_credentials, is_loopback};
pub use failure::{Failure, failed};
pub use settings::AwsSettings;
