//! The graph's own type, and the enums of its states, its ends and the successors of each row.
use super::{any_end, any_state, next_of};
use crate::table::Table;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

pub(super) fn emit(table: &Table) -> TokenStream {
    let (attrs, vis, name) = (&table.attrs, &table.vis, &table.name);
    let states = table.states();
    let any = choice(table, &any_state(table), &format!("Any state of [`{name}`]."), &states);
    let ends: Vec<&Ident> = table.ends.iter().collect();
    let end = choice(table, &any_end(table), &format!("How a run of [`{name}`] can end."), &ends);
    let nexts = table.rows.iter().map(|row| {
        let (from, targets) = (&row.from, row.to.iter().collect::<Vec<_>>());
        let doc = format!("What may follow [`{from}`] {}", row.trigger.text());
        choice(table, &next_of(row), &format!("{}.", doc.trim_end()), &targets)
    });
    quote! {
        #(#attrs)*
        #vis struct #name;
        #any
        #end
        #(#nexts)*
    }
}

/// An enum with one variant per state.
pub(super) fn choice(table: &Table, name: &Ident, doc: &str, states: &[&Ident]) -> TokenStream {
    let vis = &table.vis;
    let docs = states.iter().map(|state| format!("[`{state}`]."));
    quote_spanned! {name.span()=>
        #[doc = #doc]
        #[allow(dead_code, reason = "a graph may be drawn without being run")]
        #[allow(clippy::large_enum_variant, reason = "a state is as large as what is true in it")]
        #[allow(clippy::enum_variant_names, reason = "the variants are named like the states")]
        #vis enum #name { #(#[doc = #docs] #states(#states)),* }
    }
}
