//! Consumer groups: who holds which partitions.
//!
//! The rules are those of Kafka's classic protocol with the range assignor. A member that joins, leaves or is evicted
//! starts a rebalance; every member gives up what it holds, and when all have, the next generation begins.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::lock::lock;

/// A consumer group of one topic.
#[derive(Debug)]
pub(crate) struct Group {
    partitions: i32,
    session_timeout: Duration,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

/// Who somebody is in a group. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberId(u64);

/// What a poll finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing has changed: records may flow.
    Stable,
    /// These partitions are taken away at the next poll.
    Revoked(Vec<i32>),
    /// These partitions are this member's, in this generation.
    Assigned(Vec<i32>, u64),
    /// Others have yet to give up what they hold. At the given time it is worth asking again.
    Wait(Option<Instant>),
    /// This member was evicted.
    Unknown,
}

#[derive(Debug, Default)]
struct State {
    generation: u64,
    last_id: u64,
    /// In the order in which they joined.
    members: Vec<Member>,
    rebalancing: bool,
    /// A new generation does not begin while one is under way: its owners must see all that was accepted.
    commits: usize,
}

#[derive(Debug)]
struct Member {
    id: MemberId,
    held: Vec<i32>,
    phase: Phase,
    /// How many polls wait at this moment: none or one.
    polling: bool,
    last_poll: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Reads what it holds.
    Stable,
    /// Does not know of the rebalance yet.
    Untold,
    /// Was told, and gives up what it holds with its next poll.
    Told,
    /// Holds nothing, and waits for the next generation.
    Ready,
    /// Does not know of its new partitions yet.
    Assigned,
}

impl Group {
    pub(crate) fn new(partitions: i32, session_timeout: Duration) -> Self {
        Self { partitions, session_timeout, state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// Tells when [`step`](Self::step) may find something else.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) fn join(&self) -> MemberId {
        let mut state = lock(&self.state);
        state.last_id += 1;
        let id = MemberId(state.last_id);
        let (phase, last_poll) = (Phase::Told, Instant::now());
        state.members.push(Member { id, held: Vec::new(), phase, polling: false, last_poll });
        state.start_rebalance();
        self.changed.send_replace(());
        id
    }

    pub(crate) fn leave(&self, id: MemberId) {
        let mut state = lock(&self.state);
        if state.remove(id) {
            state.finish_rebalance(self.partitions);
            self.changed.send_replace(());
        }
    }

    /// Whether somebody is in the group.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.state).members.is_empty()
    }

    /// From here to the drop of the guard the member polls and is not evicted.
    pub(crate) fn enter(self: &Arc<Self>, id: MemberId) -> PollGuard {
        if let Some(member) = lock(&self.state).member(id) {
            member.polling = true;
        }
        PollGuard { group: self.clone(), id }
    }

    /// What a member that polls has to know next.
    pub(crate) fn step(&self, id: MemberId) -> Step {
        let mut state = lock(&self.state);
        if state.evict_silent(self.session_timeout) {
            state.finish_rebalance(self.partitions);
            self.changed.send_replace(());
        }
        let Some(member) = state.member(id) else { return Step::Unknown };
        match member.phase {
            Phase::Stable => return Step::Stable,
            Phase::Untold => {
                member.phase = Phase::Told;
                return Step::Revoked(member.held.clone());
            }
            Phase::Told => {
                member.phase = Phase::Ready;
                member.held.clear();
                state.finish_rebalance(self.partitions);
                self.changed.send_replace(());
            }
            Phase::Ready | Phase::Assigned => {}
        }
        state.collect(id).unwrap_or_else(|| Step::Wait(state.next_eviction(self.session_timeout)))
    }

    /// Lets a commit begin if the member is in the group, and in this generation. Errors: why it is fenced.
    pub(crate) fn begin_commit(self: &Arc<Self>, id: MemberId, generation: u64) -> Result<CommitGuard, String> {
        let mut state = lock(&self.state);
        let current = state.generation;
        let Some(member) = state.member(id) else {
            return Err("unknown member: it was evicted, because it did not poll".to_owned());
        };
        if generation == 0 {
            return Err("no generation yet: the member has not been assigned anything".to_owned());
        }
        if generation != current || matches!(member.phase, Phase::Ready | Phase::Assigned) {
            return Err(format!("illegal generation {generation}: the group is past it"));
        }
        state.commits += 1;
        Ok(CommitGuard { group: self.clone() })
    }
}

/// See [`Group::enter`].
#[derive(Debug)]
pub(crate) struct PollGuard {
    group: Arc<Group>,
    id: MemberId,
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        if let Some(member) = lock(&self.group.state).member(self.id) {
            member.polling = false;
            member.last_poll = Instant::now();
        }
    }
}

/// A commit that is under way.
#[derive(Debug)]
pub(crate) struct CommitGuard {
    group: Arc<Group>,
}

impl Drop for CommitGuard {
    fn drop(&mut self) {
        let mut state = lock(&self.group.state);
        state.commits -= 1;
        state.finish_rebalance(self.group.partitions);
        self.group.changed.send_replace(());
    }
}

impl State {
    fn member(&mut self, id: MemberId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.id == id)
    }

    fn remove(&mut self, id: MemberId) -> bool {
        let before = self.members.len();
        self.members.retain(|member| member.id != id);
        let removed = self.members.len() < before;
        if removed {
            self.start_rebalance();
        }
        removed
    }

    fn start_rebalance(&mut self) {
        self.rebalancing = true;
        for member in &mut self.members {
            member.phase = match member.phase {
                Phase::Stable if !member.held.is_empty() => Phase::Untold,
                Phase::Stable => Phase::Told,
                // It never learned what it held, so there is nothing to take away.
                Phase::Assigned => {
                    member.held.clear();
                    Phase::Told
                }
                phase @ (Phase::Untold | Phase::Told | Phase::Ready) => phase,
            };
        }
    }

    /// Begins the next generation if everybody is ready for it.
    fn finish_rebalance(&mut self, partitions: i32) {
        let ready = self.members.iter().all(|member| member.phase == Phase::Ready);
        if !self.rebalancing || !ready || self.commits > 0 {
            return;
        }
        self.rebalancing = false;
        self.generation += 1;
        let members = self.members.len() as i32;
        let mut next = 0;
        for (index, member) in (0..).zip(&mut self.members) {
            let share = partitions / members + i32::from(index < partitions % members);
            member.held = (next..next + share).collect();
            member.phase = Phase::Assigned;
            next += share;
        }
    }

    /// Hands the member its new partitions, if there are any to hand out.
    fn collect(&mut self, id: MemberId) -> Option<Step> {
        let generation = self.generation;
        let member = self.member(id).filter(|member| member.phase == Phase::Assigned)?;
        member.phase = Phase::Stable;
        Some(Step::Assigned(member.held.clone(), generation))
    }

    /// Removes the members that hold up a rebalance and have not polled for too long. Returns whether there were any.
    fn evict_silent(&mut self, session_timeout: Duration) -> bool {
        if !self.rebalancing {
            return false;
        }
        let now = Instant::now();
        let before = self.members.len();
        self.members.retain(|member| !(member.holds_up() && now >= member.last_poll + session_timeout));
        self.members.len() < before
    }

    fn next_eviction(&self, session_timeout: Duration) -> Option<Instant> {
        let holding_up = self.members.iter().filter(|member| self.rebalancing && member.holds_up());
        holding_up.map(|member| member.last_poll + session_timeout).min()
    }
}

impl Member {
    fn holds_up(&self) -> bool {
        matches!(self.phase, Phase::Untold | Phase::Told) && !self.polling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(partitions: i32) -> Arc<Group> {
        Arc::new(Group::new(partitions, Duration::from_secs(10)))
    }

    fn join_alone(group: &Group) -> MemberId {
        let member = group.join();
        assert!(matches!(group.step(member), Step::Assigned(_, 1)));
        member
    }

    #[tokio::test]
    async fn members_in_their_order_get_ranges() {
        let group = group(5);
        let (a, b, c) = (group.join(), group.join(), group.join());
        assert!(matches!(group.step(c), Step::Wait(Some(_))));
        assert!(matches!(group.step(b), Step::Wait(_)));
        assert_eq!(group.step(a), Step::Assigned(vec![0, 1], 1));
        assert_eq!(group.step(b), Step::Assigned(vec![2, 3], 1));
        assert_eq!(group.step(c), Step::Assigned(vec![4], 1));
        assert_eq!(group.step(a), Step::Stable);
    }

    #[tokio::test]
    async fn a_commit_is_accepted_until_the_member_polls_again_after_the_revocation() {
        let group = group(2);
        let old = join_alone(&group);
        let new = group.join();
        assert!(matches!(group.step(new), Step::Wait(_)));
        assert!(group.begin_commit(old, 1).is_ok(), "before it knows of the rebalance");
        assert_eq!(group.step(old), Step::Revoked(vec![0, 1]));
        assert!(group.begin_commit(old, 1).is_ok(), "in the revocation window");
        assert_eq!(group.step(old), Step::Assigned(vec![0], 2));
        assert!(group.begin_commit(old, 1).is_err(), "in a generation that is over");
        assert!(group.begin_commit(old, 2).is_ok());
        assert!(group.begin_commit(new, 2).is_err(), "before it has heard of its assignment");
    }

    #[tokio::test]
    async fn a_member_that_has_given_up_its_partitions_commits_no_more() {
        let group = group(2);
        let old = join_alone(&group);
        let _silent = group.join();
        assert_eq!(group.step(old), Step::Revoked(vec![0, 1]));
        assert!(matches!(group.step(old), Step::Wait(Some(_))));
        assert!(group.begin_commit(old, 1).is_err());
    }

    #[tokio::test]
    async fn the_next_generation_waits_for_a_commit_that_is_under_way() {
        let group = group(2);
        let old = join_alone(&group);
        let commit = group.begin_commit(old, 1).unwrap();
        let new = group.join();
        group.leave(old);
        assert!(matches!(group.step(new), Step::Wait(None)), "the new owner could read what is not committed yet");
        let mut changes = group.watch();
        drop(commit);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert_eq!(group.step(new), Step::Assigned(vec![0, 1], 2));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_member_that_does_not_poll_is_evicted() {
        let group = group(2);
        let (polls, silent) = (join_alone(&group), group.join());
        assert_eq!(group.step(polls), Step::Revoked(vec![0, 1]));
        let poll = group.enter(polls);
        assert!(matches!(group.step(polls), Step::Wait(_)));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(group.step(polls), Step::Assigned(vec![0, 1], 2));
        assert_eq!(group.step(silent), Step::Unknown);
        drop(poll);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_evicted_while_nobody_waits() {
        let group = group(2);
        let member = join_alone(&group);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(group.step(member), Step::Stable);
    }

    #[tokio::test]
    async fn an_assignment_that_was_not_heard_of_is_not_revoked() {
        let group = group(2);
        let (a, b) = (group.join(), group.join());
        assert!(matches!(group.step(a), Step::Wait(_)));
        assert_eq!(group.step(b), Step::Assigned(vec![1], 1));
        group.leave(b);
        assert_eq!(group.step(a), Step::Assigned(vec![0, 1], 2));
    }
}
