//! What became of old types: one function for each row, and the reading of an old value along its rows, from version to
//! version. An author adds a row and a `From` with each version, and leaves the older ones alone.
use crate::table::{Became, Table, Was, text};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

/// The old types that became this state, each with the rows that it goes along.
pub(super) fn of_state<'t>(table: &'t Table, state: &Ident) -> Vec<Vec<&'t Was>> {
    lines(table, |became| matches!(became, Became::State(it) if *it == state))
}

/// The old types that became this event.
pub(super) fn of_event<'t>(table: &'t Table, event: &Path) -> Vec<Vec<&'t Was>> {
    lines(table, |became| matches!(became, Became::Event(it) if text(it) == text(event)))
}

fn lines<'t>(table: &'t Table, leads: impl Fn(&Became<'t>) -> bool) -> Vec<Vec<&'t Was>> {
    let all = table.was.iter().map(|was| table.lineage(was));
    all.filter(|(_, became)| leads(became)).map(|(line, _)| line).collect()
}

/// One function for each of the rows, so that a missing `From` is reported once, on its row.
pub(super) fn functions(table: &Table, lines: &[Vec<&Was>]) -> TokenStream {
    let rows = lines.iter().filter_map(|line| line.first());
    let functions = rows.map(|was| {
        let (name, old, new) = (name(table, was), &was.old, &was.new);
        let upcast = quote_spanned!(new.span()=> <#new as ::engine::graph::glue::Upcast<#old>>::upcast(old));
        quote!(fn #name(old: #old) -> #new { #upcast })
    });
    quote!(#(#functions)*)
}

/// The value of the old type, led along its rows.
pub(super) fn led(table: &Table, line: &[&Was], old: &TokenStream) -> TokenStream {
    line.iter().fold(old.clone(), |value, was| {
        let name = name(table, was);
        quote!(#name(#value))
    })
}

fn name(table: &Table, was: &Was) -> Ident {
    let row = table.was.iter().position(|it| std::ptr::eq(it, was)).unwrap_or_default();
    format_ident!("__became_{row}")
}
