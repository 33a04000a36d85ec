//! The store: objects by name, and the hook's table of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::task::Range;

/// How often each record is in something.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rows(u32);

impl Rows {
    pub(crate) fn add(&mut self, offset: u8) {
        self.0 += 1 << (4 * offset);
    }

    pub(crate) fn count(self, offset: u8) -> u32 {
        self.0 >> (4 * offset) & 0xf
    }

    fn of(self, belongs: impl Fn(u8) -> bool) -> Self {
        Self((0..8).filter(|offset| belongs(*offset)).fold(0, |rows, offset| rows | self.0 & (0xf << (4 * offset))))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..8).flat_map(|n| (0..self.count(n)).map(move |_| n))).finish()
    }
}

/// `<folder>/<start>-<end>`, as `connectors/s3` names its files: it follows from the range, its clock and the file alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) range: Range,
    folder: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    objects: BTreeMap<Name, Rows>,
    registered: BTreeSet<Name>,
    /// Rows of objects that nobody will touch any more: how they were cut no longer matters.
    archived: Rows,
}

impl Store {
    pub(crate) fn put(&mut self, name: Name, rows: Rows) {
        self.objects.insert(name, rows);
    }

    pub(crate) fn register(&mut self, name: Name) {
        self.registered.insert(name);
    }

    /// The first object, if there is one, of this range, whatever file shaped it.
    pub(crate) fn first_of(&self, range: Range) -> Option<Name> {
        self.objects.keys().find(|name| name.range.is_same_name(range)).copied()
    }

    pub(crate) fn remove(&mut self, name: Name) {
        self.objects.remove(&name);
        self.registered.remove(&name);
    }

    /// Forgets how the rows are cut in registered objects below `offset`, except for those that somebody may touch.
    pub(crate) fn archive(&mut self, offset: u8, may_touch: impl Fn(u8) -> bool) {
        let (registered, archived) = (&mut self.registered, &mut self.archived);
        self.objects.retain(|name, rows| {
            let keep = name.range.end > offset || may_touch(name.range.start) || !registered.remove(name);
            if !keep {
                archived.0 += rows.0;
            }
            keep
        });
    }

    /// How often a record is in the store.
    pub(crate) fn count(&self, offset: u8) -> u32 {
        self.archived.count(offset) + self.objects.values().map(|rows| rows.count(offset)).sum::<u32>()
    }

    /// Whether a record is in an object that the table knows.
    pub(crate) fn is_registered(&self, offset: u8) -> bool {
        let known = |(name, rows): (&Name, &Rows)| rows.count(offset) > 0 && self.registered.contains(name);
        self.archived.count(offset) > 0 || self.objects.iter().any(known)
    }

    /// Whether every object lies below `offset`.
    pub(crate) fn ends_at(&self, offset: u8) -> bool {
        self.objects.keys().all(|name| name.range.end <= offset)
    }
}

/// The objects that a flush of these rows makes under a file. Every other version of the file spreads the rows over two
/// folders.
pub(crate) fn objects(range: Range, rows: Rows, file: u8) -> Vec<(Name, Rows)> {
    let folder = |offset: u8| if file.is_multiple_of(2) { offset / 2 % 2 } else { 0 };
    let mut objects = Vec::new();
    for at in 0..2 {
        let rows = rows.of(|offset| folder(offset) == at);
        if rows != Rows::default() {
            objects.push((Name { range, folder: at }, rows));
        }
    }
    objects
}
