//! Consumer groups.

use std::collections::BTreeMap;

use pipeline_runtime::broker::{CommitError, Committed, Polled};

use super::fixture::{Fixture, numbered};
use super::member::{Member, poll_until, values};
use super::{Outcome, list_cases};

list_cases![
    one_member_gets_all_partitions,
    what_was_committed_comes_back_with_its_metadata,
    a_partition_without_a_commit_is_left_out,
    metadata_of_4096_units_fits_and_more_does_not,
    groups_do_not_see_each_other,
    members_share_the_partitions,
    a_member_joins_with_its_first_poll,
    more_members_than_partitions_leave_some_without,
    a_joining_member_takes_only_what_was_revoked,
    a_commit_in_the_revocation_window_is_accepted,
    a_commit_after_leaving_is_refused,
    a_commit_before_the_first_assignment_is_refused,
    a_closed_member_gives_its_partitions_back,
    a_dropped_member_gives_its_partitions_back,
    a_revoked_partition_gives_no_records,
    a_silent_member_is_evicted_and_fenced,
    an_evicted_member_joins_again,
    offsets_that_are_set_while_nobody_reads_are_where_the_next_member_begins,
    offsets_are_not_set_while_somebody_reads,
];

async fn one_member_gets_all_partitions(fixture: Fixture) -> Outcome {
    fixture.topic(4).await?;
    let mut member = fixture.member().await?;
    member.until_holding(4).await?;
    assert!(member.held.iter().copied().eq(0..4));
    Ok(())
}

async fn what_was_committed_comes_back_with_its_metadata(fixture: Fixture) -> Outcome {
    fixture.topic(3).await?;
    fixture.produce(0, numbered("v", 0..10)).await?;
    let mut member = fixture.member().await?;
    member.until_holding(3).await?;
    let first = Committed { offset: 4, metadata: "v1;end=9;at=1;cfg=0123456789abcdef".to_owned() };
    let second = Committed { offset: 0, metadata: String::new() };
    member.consumer.commit(&BTreeMap::from([(0, first.clone()), (2, second.clone())])).await?;

    let expected = [Some(first), None, Some(second.clone())];
    assert_eq!(fixture.broker.committed(&fixture.group, &fixture.topic).await?, expected);
    drop(member);
    let mut next = fixture.member().await?;
    next.until_holding(3).await?;
    let found = next.consumer.committed(&[0, 1, 2]).await?;
    assert_eq!([found.get(&0).cloned(), found.get(&1).cloned(), found.get(&2).cloned()], expected);

    next.commit(0, 9, "").await?;
    let cleared = Committed { offset: 9, metadata: String::new() };
    let expected = [Some(cleared), None, Some(second)];
    assert_eq!(fixture.broker.committed(&fixture.group, &fixture.topic).await?, expected);
    Ok(())
}

async fn a_partition_without_a_commit_is_left_out(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    let mut member = fixture.member().await?;
    member.until_holding(2).await?;
    assert!(member.consumer.committed(&[0, 1]).await?.is_empty());
    Ok(())
}

async fn metadata_of_4096_units_fits_and_more_does_not(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut member = fixture.member().await?;
    member.until_holding(1).await?;
    let longest = "x".repeat(4096);
    member.commit(0, 0, &longest).await?;
    let refused = member.commit(0, 0, &"x".repeat(4097)).await;
    assert!(matches!(refused, Err(CommitError::Failed(_))), "{refused:?}");
    let committed = fixture.broker.committed(&fixture.group, &fixture.topic).await?;
    assert_eq!(committed, [Some(Committed { offset: 0, metadata: longest })]);
    Ok(())
}

async fn groups_do_not_see_each_other(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    fixture.produce(0, numbered("v", 0..3)).await?;
    let mut here = fixture.member().await?;
    let mut there = fixture.member_of(&format!("{}-other", fixture.group)).await?;
    here.read_from_start(2).await?;
    there.read_from_start(2).await?;
    here.commit(0, 1, "here").await?;
    assert!(there.consumer.committed(&[0, 1]).await?.is_empty());
    assert_eq!(values(&here.read(3).await?), values(&there.read(3).await?));
    Ok(())
}

async fn members_share_the_partitions(fixture: Fixture) -> Outcome {
    fixture.topic(7).await?;
    let (mut a, mut b, mut c) = (fixture.member().await?, fixture.member().await?, fixture.member().await?);
    let shared = |members: &[&mut Member]| {
        let mut sizes: Vec<usize> = members.iter().map(|member| member.held.len()).collect();
        sizes.sort_unstable();
        sizes == [2, 2, 3]
    };
    poll_until(&mut [&mut a, &mut b, &mut c], shared).await?;
    let all: Vec<i32> = a.held.iter().chain(&b.held).chain(&c.held).copied().collect();
    assert!((0..7).all(|partition| all.contains(&partition)), "not every partition belongs to somebody: {all:?}");
    Ok(())
}

async fn a_member_joins_with_its_first_poll(fixture: Fixture) -> Outcome {
    fixture.topic(4).await?;
    let (mut first, mut second) = (fixture.member().await?, fixture.member().await?);
    first.until_holding(4).await?;
    assert!(first.is_quiet().await?);
    assert_eq!(first.held.len(), 4, "somebody who has not polled yet takes partitions away");
    poll_until(&mut [&mut first, &mut second], |members| members.iter().all(|member| member.held.len() == 2)).await?;
    Ok(())
}

async fn more_members_than_partitions_leave_some_without(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut a = fixture.member().await?;
    a.until_holding(1).await?;
    let mut b = fixture.member().await?;
    poll_until(&mut [&mut a, &mut b], |members| members[0].held.is_empty()).await?;
    poll_until(&mut [&mut a, &mut b], |members| members.iter().any(|member| !member.held.is_empty())).await?;
    assert_eq!(a.held.len() + b.held.len(), 1);
    Ok(())
}

async fn a_joining_member_takes_only_what_was_revoked(fixture: Fixture) -> Outcome {
    fixture.topic(4).await?;
    let mut old = fixture.member().await?;
    old.until_holding(4).await?;
    let mut new = fixture.member().await?;
    poll_until(&mut [&mut old, &mut new], |members| members[0].held.len() < 4).await?;
    assert!(new.held.is_empty(), "partitions were assigned while another member held them");
    poll_until(&mut [&mut old, &mut new], |members| members.iter().all(|member| member.held.len() == 2)).await?;
    assert!(old.held.is_disjoint(&new.held));
    Ok(())
}

/// A member that was told of a revocation, and another that waits for the partitions.
async fn revoked(fixture: &Fixture) -> Result<(Member, Member), Box<dyn std::error::Error + Send + Sync>> {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..10)).await?;
    let mut old = fixture.member().await?;
    old.until_holding(1).await?;
    let mut new = fixture.member().await?;
    poll_until(&mut [&mut old, &mut new], |members| members[0].held.is_empty()).await?;
    Ok((old, new))
}

async fn a_commit_in_the_revocation_window_is_accepted(fixture: Fixture) -> Outcome {
    let (mut old, mut new) = revoked(&fixture).await?;
    old.commit(0, 5, "window").await?;
    let expected = Committed { offset: 5, metadata: "window".to_owned() };
    old.consumer.close().await?;
    new.until_holding(1).await?;
    let found = new.consumer.committed(&[0]).await?;
    assert_eq!(found.get(&0), Some(&expected), "the new owner must see what was committed in the window");
    Ok(())
}

async fn a_commit_after_leaving_is_refused(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut member = fixture.member().await?;
    member.until_holding(1).await?;
    member.commit(0, 0, "held").await?;
    member.consumer.close().await?;
    let committed = member.commit(0, 0, "left").await;
    assert!(matches!(committed, Err(CommitError::Fenced(_))), "{committed:?}");
    Ok(())
}

async fn a_commit_before_the_first_assignment_is_refused(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut owner = fixture.member().await?;
    owner.until_holding(1).await?;
    owner.commit(0, 0, "owner").await?;
    let mut early = fixture.member().await?;
    let committed = early.commit(0, 0, "early").await;
    assert!(matches!(committed, Err(CommitError::Fenced(_))), "{committed:?}");
    let found = fixture.broker.committed(&fixture.group, &fixture.topic).await?;
    assert_eq!(found, [Some(Committed { offset: 0, metadata: "owner".to_owned() })]);
    Ok(())
}

async fn a_closed_member_gives_its_partitions_back(fixture: Fixture) -> Outcome {
    fixture.topic(4).await?;
    let (mut stays, mut leaves) = (fixture.member().await?, fixture.member().await?);
    let halves = |members: &[&mut Member]| members.iter().all(|member| member.held.len() == 2);
    poll_until(&mut [&mut stays, &mut leaves], halves).await?;
    leaves.consumer.close().await?;
    stays.until_holding(4).await?;
    Ok(())
}

async fn a_dropped_member_gives_its_partitions_back(fixture: Fixture) -> Outcome {
    fixture.topic(4).await?;
    let (mut stays, mut leaves) = (fixture.member().await?, fixture.member().await?);
    let halves = |members: &[&mut Member]| members.iter().all(|member| member.held.len() == 2);
    poll_until(&mut [&mut stays, &mut leaves], halves).await?;
    drop(leaves);
    stays.until_holding(4).await?;
    Ok(())
}

async fn a_revoked_partition_gives_no_records(fixture: Fixture) -> Outcome {
    fixture.topic(1).await?;
    let mut old = fixture.member().await?;
    old.read_from_start(1).await?;
    let mut new = fixture.member().await?;
    poll_until(&mut [&mut old, &mut new], |members| members[0].held.is_empty()).await?;
    fixture.produce(0, numbered("v", 0..3)).await?;
    poll_until(&mut [&mut old, &mut new], |members| members.iter().any(|member| !member.held.is_empty())).await?;
    // Whoever has it now has not sought it.
    assert!(old.is_quiet().await? && new.is_quiet().await?, "records came of a partition that was not sought");
    Ok(())
}

/// A member that stopped polling, and the one that got its partition.
async fn evicted(fixture: &Fixture) -> Result<(Member, Member), Box<dyn std::error::Error + Send + Sync>> {
    fixture.topic(1).await?;
    fixture.produce(0, numbered("v", 0..10)).await?;
    let mut silent = fixture.member().await?;
    silent.read_from_start(1).await?;
    silent.read(10).await?;
    silent.commit(0, 2, "before").await?;
    let mut next = fixture.member().await?;
    next.until_holding(1).await?;
    Ok((silent, next))
}

async fn a_silent_member_is_evicted_and_fenced(fixture: Fixture) -> Outcome {
    let (mut silent, mut next) = evicted(&fixture).await?;
    let refused = silent.commit(0, 10, "zombie").await;
    assert!(matches!(refused, Err(CommitError::Fenced(_))), "{refused:?}");
    let found = next.consumer.committed(&[0]).await?;
    assert_eq!(found.get(&0), Some(&Committed { offset: 2, metadata: "before".to_owned() }));
    next.commit(0, 4, "after").await?;
    Ok(())
}

async fn an_evicted_member_joins_again(fixture: Fixture) -> Outcome {
    let (mut silent, mut next) = evicted(&fixture).await?;
    let polled = silent.change().await?;
    // A client may not have heard yet that the revocation which it missed is over.
    let (Polled::Lost(partitions) | Polled::Revoked(partitions)) = &polled else { panic!("{polled:?}") };
    assert_eq!(*partitions, [0]);
    let refused = silent.commit(0, 10, "zombie").await;
    assert!(matches!(refused, Err(CommitError::Fenced(_))), "{refused:?}");
    next.consumer.close().await?;
    silent.until_holding(1).await?;
    silent.commit(0, 6, "again").await?;
    Ok(())
}

async fn offsets_that_are_set_while_nobody_reads_are_where_the_next_member_begins(fixture: Fixture) -> Outcome {
    fixture.topic(3).await?;
    fixture.produce(0, numbered("v", 0..10)).await?;
    let holds = fixture.broker.bounds(&fixture.topic).await?;
    let set = |offset, metadata: &str| Committed { offset, metadata: metadata.to_owned() };
    // Before anybody has ever read,
    let never_read = BTreeMap::from([(0, set(holds[0].end, "v1;topic=a")), (2, set(holds[2].end, ""))]);
    fixture.broker.set_committed(&fixture.group, &fixture.topic, &never_read).await?;
    let mut member = fixture.member().await?;
    member.until_holding(3).await?;
    assert_eq!(member.consumer.committed(&[0, 1, 2]).await?, never_read);
    member.commit(0, holds[0].end, "read").await?;
    member.consumer.close().await?;
    drop(member);
    // and when whoever did has gone.
    let back = BTreeMap::from([(0, set(holds[0].start, "v1;topic=b"))]);
    fixture.broker.set_committed(&fixture.group, &fixture.topic, &back).await?;
    let mut next = fixture.member().await?;
    next.until_holding(3).await?;
    let committed = next.consumer.committed(&[0, 1, 2]).await?;
    assert_eq!(committed, BTreeMap::from([(0, back[&0].clone()), (2, never_read[&2].clone())]));
    next.consumer.seek(0, committed[&0].offset).await?;
    assert_eq!(values(&next.read(10).await?), numbered("v", 0..10));
    next.commit(0, holds[0].end, "").await?;
    Ok(())
}

async fn offsets_are_not_set_while_somebody_reads(fixture: Fixture) -> Outcome {
    fixture.topic(2).await?;
    fixture.produce(0, numbered("v", 0..10)).await?;
    let mut member = fixture.member().await?;
    member.read_from_start(2).await?;
    member.commit(0, 3, "member").await?;
    let set = BTreeMap::from([(0, Committed { offset: 1, metadata: "set".to_owned() })]);
    let refused = fixture.broker.set_committed(&fixture.group, &fixture.topic, &set).await;
    let Err(refused) = refused else { panic!("offsets were set under a member") };
    assert!(refused.to_string().contains(&fixture.group), "{refused}");
    let expected = [Some(Committed { offset: 3, metadata: "member".to_owned() }), None];
    assert_eq!(fixture.broker.committed(&fixture.group, &fixture.topic).await?, expected);
    member.read(10).await?;
    member.commit(0, 5, "").await?;
    Ok(())
}
