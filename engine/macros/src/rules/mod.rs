//! What a table must fulfil. Every rule that fails is reported, each on the token that broke it, and then only an
//! outline is emitted: an error here never drags others behind it.
mod names;
mod paths;
#[cfg(test)]
mod tests;

use crate::table::Table;
use quote::ToTokens;
use std::fmt::Display;
use syn::{Error, Ident};

/// Everything that is wrong with a table; empty when nothing is.
pub(crate) fn check(table: &Table) -> Vec<Error> {
    // What an unread line says would only be reported as missing.
    if !table.unread.errors.is_empty() {
        return table.unread.errors.clone();
    }
    let mut wrong = Wrong(Vec::new());
    let walkable = names::check(table, &mut wrong);
    // Paths through a table with unknown states would only be reported as missing once more.
    if walkable {
        paths::check(table, &mut wrong);
    }
    wrong.0
}

/// What was found so far.
struct Wrong(Vec<Error>);

impl Wrong {
    fn at(&mut self, token: &impl ToTokens, message: impl Display) {
        self.0.push(Error::new_spanned(token, message));
    }
}

/// An end to suggest in an error, or a name that stands for one.
fn some_end(table: &Table) -> String {
    let end = table.ends.last().or_else(|| likely_ends(table).last().copied());
    end.map_or("SomeEnd".into(), Ident::to_string)
}

/// What a table without an `end` most likely should end in.
fn likely_ends(table: &Table) -> Vec<&Ident> {
    if !table.ends.is_empty() {
        return Vec::new();
    }
    table.unknown().into_iter().filter(|name| table.meant(name).is_none()).collect()
}
