//! Walks along the rows of a table: what is reached, what loops, how long the longest path is.
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use syn::Ident;

/// Which state the rows lead to from which.
pub(crate) struct Edges<'t>(BTreeMap<&'t Ident, BTreeSet<&'t Ident>>);

impl<'t> Edges<'t> {
    /// The rows as the author wrote them, without the exits.
    pub(crate) fn of(table: &'t Table) -> Edges<'t> {
        let mut edges = Edges(BTreeMap::new());
        table.rows.iter().for_each(|row| edges.0.entry(&row.from).or_default().extend(&row.to));
        edges
    }
    /// The same edges, walked from their ends.
    pub(crate) fn backwards(&self) -> Edges<'t> {
        let mut back = Edges(BTreeMap::new());
        for (from, targets) in &self.0 {
            targets.iter().for_each(|to| {
                back.0.entry(to).or_default().insert(*from);
            });
        }
        back
    }
    /// What follows a state at once.
    pub(crate) fn after(&self, state: &Ident) -> impl Iterator<Item = &'t Ident> {
        self.0.get(state).into_iter().flatten().copied()
    }
    /// Everything reached from `from`, itself included.
    pub(crate) fn reached(&self, from: impl IntoIterator<Item = &'t Ident>) -> BTreeSet<&'t Ident> {
        let mut todo: Vec<_> = from.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(state) = todo.pop() {
            if seen.insert(state) {
                todo.extend(self.after(state));
            }
        }
        seen
    }
    /// A loop that is reached from `from`, its first state named again at its end.
    pub(crate) fn cycle(&self, from: impl IntoIterator<Item = &'t Ident>) -> Option<Vec<&'t Ident>> {
        let mut done = BTreeSet::new();
        from.into_iter().find_map(|state| self.cycle_at(state, &mut Vec::new(), &mut done))
    }
    fn cycle_at(
        &self,
        at: &'t Ident,
        path: &mut Vec<&'t Ident>,
        done: &mut BTreeSet<&'t Ident>,
    ) -> Option<Vec<&'t Ident>> {
        if let Some(begin) = path.iter().position(|state| *state == at) {
            return Some(path[begin..].iter().copied().chain([at]).collect());
        }
        if !done.insert(at) {
            return None;
        }
        path.push(at);
        let found = self.after(at).find_map(|next| self.cycle_at(next, path, done));
        path.pop();
        found
    }
    /// How many moves the longest path from `from` takes. Only where no loop is reached.
    pub(crate) fn longest(&self, from: &'t Ident) -> u32 {
        self.longest_known(from, &mut BTreeMap::new())
    }
    fn longest_known(&self, from: &'t Ident, known: &mut BTreeMap<&'t Ident, u32>) -> u32 {
        if let Some(moves) = known.get(from) {
            return *moves;
        }
        let moves = self.after(from).map(|next| 1 + self.longest_known(next, known)).max().unwrap_or(0);
        known.insert(from, moves);
        moves
    }
}

/// A path as a reader writes it.
pub(crate) fn arrows(path: &[&Ident]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> ")
}
