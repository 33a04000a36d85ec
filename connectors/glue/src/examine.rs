//! Whether the hook could make its table, as far as that can be seen without making it.

use aws_sdk_glue::types::Table;
use pipeline_api::{Context, Examined, Result};
use pipeline_aws::CredentialsCache;

use crate::catalog::Catalog;
use crate::change::change;
use crate::config::{GlueTableConfig, Partitions};
use crate::glue_table::wanted;
use crate::layout::{Layout, NULL};

/// Looks at the database, the table and its partitions. What a run changes is not tried, but named by the permission that it
/// needs.
pub(crate) async fn examine(config: &GlueTableConfig, context: &Context) -> Vec<Examined> {
    let mut opened = None;
    let trial = async {
        let (wanted, _) = wanted(config, context)?;
        let aws = config.aws.load("GLUE").await?;
        // Who has none need not be told of each call.
        CredentialsCache::new(&aws).get().await?;
        let (catalog, _) = opened.insert((Catalog::new(config, &aws), wanted));
        match (catalog.has_database().await?, config.create_database) {
            (true, _) => Ok(None),
            (false, true) => not_there("glue:CreateDatabase"),
            (false, false) => Err(catalog.no_database()),
        }
    };
    let mut examined =
        vec![Examined::of(format!("look at the database {} (glue:GetDatabase)", config.database), trial).await];
    let Some((catalog, wanted)) = opened.filter(|_| !examined[0].is_unanswered()) else { return examined };
    let mut found = None;
    let trial = async {
        found = catalog.table().await?;
        judge(found.as_ref(), &wanted)
    };
    examined.push(Examined::of(format!("look at the table {} (glue:GetTable)", catalog.name()), trial).await);
    if found.is_some() && config.partitions == Partitions::Registered && !wanted.partition_columns.is_empty() {
        let trial = async {
            // There need be none with these values: who may not look is told so all the same.
            catalog.examine_partitions(vec![NULL.to_owned(); wanted.partition_columns.len()]).await?;
            Ok(Some("not tried: glue:BatchCreatePartition, glue:BatchUpdatePartition".to_owned()))
        };
        examined.push(Examined::of("look at its partitions (glue:BatchGetPartition)", trial).await);
    }
    examined
}

/// What a run would do with the table. Errors: it is another one than the sink writes.
fn judge(found: Option<&Table>, wanted: &Layout) -> Result<Option<String>> {
    let Some(found) = found else { return not_there("glue:CreateTable, glue:BatchCreatePartition") };
    Ok(Some(match change(found, wanted)? {
        None => "it is as the sink writes it".to_owned(),
        Some(_) => "the next run brings it up to date; not tried: glue:UpdateTable".to_owned(),
    }))
}

fn not_there(untried: &str) -> Result<Option<String>> {
    Ok(Some(format!("there is none yet, the next run makes it; not tried: {untried}")))
}
