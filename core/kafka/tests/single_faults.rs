//! Faults of a cluster of several brokers, on librdkafka's mock of one.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline_api::{Error, ErrorKind};
use pipeline_runtime::broker::{CommitError, Committed};
use rdkafka::mocking::{MockCluster, MockCoordinator};

use support::{Outcome, member, open};

/// What takes longer never comes.
async fn within<T>(call: impl Future<Output = T>) -> Result<T, Error> {
    let never = |_| Error::fatal("what is expected does not come");
    tokio::time::timeout(Duration::from_secs(30), call).await.map_err(never)
}

/// The engine repeats a commit that may work later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_arrives_after_the_groups_coordinator_has_moved() -> Outcome {
    let cluster = MockCluster::new(3)?;
    cluster.create_topic("moved", 1, 3)?;
    let place = |broker| cluster.coordinator(MockCoordinator::Group("group-moved".to_owned()), broker);
    place(1)?;
    let broker = open(&[("bootstrap.servers", &cluster.bootstrap_servers())])?;
    let mut member = within(member(&broker, "group-moved", "moved")).await??;
    for (coordinator, note) in [(1, "before"), (2, "after"), (3, "and again")] {
        place(coordinator)?;
        let committed = Committed { offset: 0, metadata: note.to_owned() };
        let offsets = BTreeMap::from([(0, committed.clone())]);
        within(async {
            loop {
                match member.commit(&offsets).await {
                    Ok(()) => return Ok(()),
                    Err(CommitError::Failed(error)) if error.kind() == ErrorKind::Retriable => {}
                    Err(error) => return Err(format!("{note}: {error:?}")),
                }
            }
        })
        .await??;
        assert_eq!(member.committed(&[0]).await?, offsets, "{note}");
    }
    Ok(())
}
