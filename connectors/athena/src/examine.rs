//! Whether Athena would answer.

use std::time::Duration;

use pipeline_api::{Context, Examined};

use crate::athena::{Athena, Place};
use crate::athena_check::dataset;
use crate::config::AthenaCheckConfig;

/// It scans nothing, and so costs nothing. Its answer stays where answers go.
const QUERY: &str = "SELECT 1";

/// How long it may take. What comes before and after it has calls with limits of their own.
const LIMIT: Duration = Duration::from_secs(10);

/// Looks at the workgroup and has it answer a query. Of who does not answer nothing more is asked.
pub(crate) async fn examine(config: &AthenaCheckConfig, context: &Context) -> Vec<Examined> {
    let mut opened = None;
    let trial = async {
        dataset(config, context)?;
        // The database may be made by the next run.
        let place = Place { database: None, ..Place::of(config) };
        opened = Some(Athena::open(place, format!("{}/{}/doctor", context.pipeline, context.name)).await?);
        Ok(None)
    };
    let what = format!("look at the workgroup {} (athena:GetWorkGroup)", config.workgroup);
    let mut examined = vec![Examined::of(what, trial).await];
    if let Some(mut athena) = opened {
        let outcome = athena.try_for(LIMIT, QUERY).await.map(|()| None);
        examined.push(Examined { what: format!("answer {QUERY}, and read the answer"), outcome });
    }
    examined
}
