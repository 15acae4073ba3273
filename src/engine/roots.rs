//! All submissions by their numbers, so kept that a copy of the whole costs a pointer for each: a snapshot is written
//! from such a copy while the engine goes on.

use super::job::Root;
use super::shared::Shared;
use serde::{Deserialize, Serialize};
use std::collections::btree_map::{self, BTreeMap};
use std::ops::RangeBounds;

/// Submissions by number. One that a copy still holds is copied before it is changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roots(BTreeMap<u64, Shared<Root>>);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "numbers are asked for as a map asks for them")]
impl Roots {
    pub fn get(&self, number: &u64) -> Option<&Root> {
        self.0.get(number).map(|root| &**root)
    }

    pub fn get_mut(&mut self, number: &u64) -> Option<&mut Root> {
        self.0.get_mut(number).map(Shared::make_mut)
    }

    pub fn contains_key(&self, number: &u64) -> bool {
        self.0.contains_key(number)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Root> {
        self.0.values_mut().map(Shared::make_mut)
    }

    pub fn insert(&mut self, number: u64, root: Root) {
        self.0.insert(number, Shared::new(root));
    }

    pub fn remove(&mut self, number: &u64) -> Option<Root> {
        self.0.remove(number).map(Shared::into_inner)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    pub fn range(&self, numbers: impl RangeBounds<u64>) -> impl DoubleEndedIterator<Item = (&u64, &Root)> {
        self.0.range(numbers).map(|(number, root)| (number, &**root))
    }

    /// Takes those of another over.
    pub fn extend(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Takes the first ones away: one, and more while they have no more than `jobs` jobs together.
    pub fn split_first(&mut self, jobs: usize) -> Self {
        let mut taken = 0;
        let rest = self.0.iter().skip_while(|(_, root)| {
            let before = taken;
            taken += 1 + root.array.as_ref().map_or(0, |array| array.children.len());
            before == 0 || taken <= jobs
        });
        let next = { rest }.next().map(|(number, _)| *number);
        let rest = next.map(|next| self.0.split_off(&next)).unwrap_or_default();
        Self(std::mem::replace(&mut self.0, rest))
    }
}

pub type Iter<'a> =
    std::iter::Map<btree_map::Iter<'a, u64, Shared<Root>>, fn((&'a u64, &'a Shared<Root>)) -> (&'a u64, &'a Root)>;

impl<'a> IntoIterator for &'a Roots {
    type Item = (&'a u64, &'a Root);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.0.iter().map(|(number, root)| (number, &**root))
    }
}
