//! The code of a table that broke no rule: types, the traits of each row, and `impl Graph`.
//!
//! Whatever asks something of an author's type does so on that type's token in the table, and in one place only.
mod graph;
mod handle;
mod meta;
mod outline;
mod rows;
mod types;
mod was;

pub(crate) use outline::emit as outline;

use crate::table::{Row, Table, Trigger, last};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

/// Emits everything.
pub(crate) fn emit(table: &Table) -> TokenStream {
    let parts = [types::emit(table), rows::emit(table), graph::emit(table)];
    quote!(#(#parts)*)
}

/// The enum of all states.
fn any_state(table: &Table) -> Ident {
    format_ident!("{}State", table.name, span = table.name.span())
}

/// The enum of all ends.
fn any_end(table: &Table) -> Ident {
    format_ident!("{}End", table.name, span = table.name.span())
}

/// The enum of what may follow a row.
fn next_of(row: &Row) -> Ident {
    let (from, span) = (&row.from, row.from.span());
    match &row.trigger {
        Trigger::Entered => format_ident!("{from}Next", span = span),
        Trigger::On(event) => format_ident!("{from}On{}", last(event), span = span),
        Trigger::After(_) => format_ident!("{from}After", span = span),
        Trigger::Asks(request) | Trigger::AsksEach(request) => {
            format_ident!("{from}Asks{}", last(request), span = span)
        }
    }
}
