//! The outline of a table that broke a rule: its types, and what the handlers lean on, so that they compile and only the
//! table is reported. It asks for no handler, and it refuses to run: what it declares is never built.
use super::{any_end, any_state, meta, next_of, rows, types};
use crate::table::{Became, Row, Table, Trigger, text};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use std::collections::BTreeSet;
use syn::{Ident, spanned::Spanned};

/// Emits what can be told of the table.
pub(crate) fn emit(table: &Table) -> TokenStream {
    let guess = Guess::of(table);
    let parts = [types_of(&guess), states(&guess), rows_of(&guess), names(&guess), graph(&guess)];
    quote!(#(#parts)*)
}

/// The table as its author most likely meant it.
struct Guess<'t> {
    table: &'t Table,
    /// The states of the table, and after them what is used like one.
    states: Vec<&'t Ident>,
    ends: Vec<&'t Ident>,
    /// The states of which not every row is known: they may be left by anything, to anywhere.
    loose: BTreeSet<&'t Ident>,
    rows: Vec<Joined<'t>>,
}

/// The rows that share the enum of what may follow.
struct Joined<'t> {
    first: &'t Row,
    next: Ident,
    vias: Vec<&'t Trigger>,
    to: Vec<&'t Ident>,
    /// Whether it leads to a name that is a slip: then it leads anywhere.
    anywhere: bool,
}

impl<'t> Guess<'t> {
    fn of(table: &'t Table) -> Guess<'t> {
        let mut states = table.states();
        let heads = table.unread.heads.iter().filter_map(|head| head.get_ident());
        let more = table.unknown().into_iter().chain(heads);
        let strange: Vec<&Ident> = more.filter(|name| table.meant(name).is_none()).collect();
        strange.iter().for_each(|name| add(&mut states, name));
        let loose = if table.unread.lost { states.iter() } else { strange.iter() }.copied().collect();
        let mut ends = Vec::new();
        table.ends.iter().for_each(|end| add(&mut ends, end));
        if ends.is_empty() {
            strange.iter().for_each(|name| add(&mut ends, name));
        }
        let rows = join(table, &states);
        Guess { table, states, ends, loose, rows }
    }
}

fn join<'t>(table: &'t Table, states: &[&'t Ident]) -> Vec<Joined<'t>> {
    let mut all: Vec<Joined<'t>> = Vec::new();
    for row in &table.rows {
        let next = next_of(row);
        let at = all.iter().position(|joined| joined.next == next).unwrap_or_else(|| {
            all.push(Joined { first: row, next, vias: Vec::new(), to: Vec::new(), anywhere: false });
            all.len() - 1
        });
        let joined = &mut all[at];
        let same = |via: &&Trigger| rows::via(via).to_string() == rows::via(&row.trigger).to_string();
        if !joined.vias.iter().any(same) {
            joined.vias.push(&row.trigger);
        }
        for to in &row.to {
            match states.contains(&to) {
                true => add(&mut joined.to, to),
                false => joined.anywhere = true,
            }
        }
    }
    all
}

fn add<'t>(names: &mut Vec<&'t Ident>, name: &'t Ident) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// What may follow a state of which not every row is known.
fn anything(table: &Table) -> Ident {
    format_ident!("__{}Anything", table.name)
}

fn types_of(guess: &Guess<'_>) -> TokenStream {
    let table = guess.table;
    let (attrs, vis, name, anything) = (&table.attrs, &table.vis, &table.name, anything(table));
    let any = types::choice(table, &any_state(table), "Any state.", &guess.states);
    let end = types::choice(table, &any_end(table), "Any end.", &guess.ends);
    let nexts = guess.rows.iter().map(|row| types::choice(table, &row.next, "What may follow.", &row.to));
    quote! {
        #(#attrs)* #vis struct #name;
        #[doc(hidden)] #vis struct #anything;
        impl<__To> ::engine::Successor<__To> for #anything {
            fn pick(_: __To) -> Self { Self }
        }
        #any #end #(#nexts)*
    }
}

fn states(guess: &Guess<'_>) -> TokenStream {
    let (table, known) = (guess.table, guess.table.states());
    let (graph, any, anything) = (&table.name, any_state(table), anything(table));
    let states = guess.states.iter().map(|state| match known.contains(state) {
        true => rows::of_state(state, graph, &any),
        false => quote_spanned!(state.span()=> impl ::engine::State for #state { type Graph = #graph; }),
    });
    let loose = guess.loose.iter().map(|state| {
        quote_spanned!(state.span()=> impl<__Via> ::engine::Leaves<__Via> for #state { type Next = #anything; })
    });
    // A state that a lost line names by its path: the complaint is of the path, not of its handlers.
    let mut told = BTreeSet::new();
    let paths = table.unread.heads.iter().filter(|head| head.get_ident().is_none());
    let by_path = paths.filter(|head| told.insert(text(head))).map(|head| {
        quote_spanned! {head.span()=>
            impl ::engine::State for #head { type Graph = #graph; }
            impl<__Via> ::engine::Leaves<__Via> for #head { type Next = #anything; }
        }
    });
    quote!(#(#states)* #(#loose)* #(#by_path)*)
}

fn rows_of(guess: &Guess<'_>) -> TokenStream {
    guess.rows.iter().filter(|row| !guess.loose.contains(&row.first.from)).map(row_of).collect()
}

fn row_of(row: &Joined<'_>) -> TokenStream {
    let (from, next, to) = (&row.first.from, &row.next, &row.to);
    let leaves = row.vias.iter().map(|trigger| {
        let via = rows::via(trigger);
        quote!(impl ::engine::Leaves<#via> for #from { type Next = #next; })
    });
    let picks = if row.anywhere {
        quote! {
            impl<__To> ::engine::Successor<__To> for #next {
                fn pick(_: __To) -> Self { ::core::unreachable!() }
            }
        }
    } else {
        quote! {
            #(impl ::engine::Successor<#to> for #next {
                fn pick(to: #to) -> Self { Self::#to(to) }
            })*
        }
    };
    quote_spanned!(from.span()=> #(#leaves)* #picks)
}

/// The marks on events, requests, old states and the start.
fn names(guess: &Guess<'_>) -> TokenStream {
    let (table, graph) = (guess.table, &guess.table.name);
    let (events, requests) = (table.events(), table.requests());
    let mut told = BTreeSet::new();
    let known = |name: &Ident| guess.states.contains(&name);
    let was: Vec<TokenStream> = table
        .was
        .iter()
        .filter(|was| was.new.get_ident().is_some_and(known) || !matches!(table.became(was), Became::Unknown))
        .filter(|was| told.insert((text(&was.old), text(&was.new))))
        .map(|was| (&was.old, &was.new))
        .map(|(old, new)| quote!(impl ::engine::graph::glue::Was<#graph, #old> for #new { type Old = #old; }))
        .collect();
    let mut starts = Vec::new();
    table.starts.iter().filter(|start| known(start)).for_each(|start| add(&mut starts, start));
    if starts.is_empty() {
        starts.clone_from(&guess.states);
    }
    let any = any_state(table);
    let starts = starts.iter().map(|start| quote_spanned!(start.span()=> impl ::engine::Start for #start {}));
    let into = guess.states.iter().filter(|state| !table.states().contains(state)).map(|state| {
        quote! {
            impl ::core::convert::From<#state> for #any { fn from(state: #state) -> Self { Self::#state(state) } }
        }
    });
    quote! {
        #(impl ::engine::EventOf<#graph> for #events {})*
        #(impl ::engine::graph::glue::AskedBy<#graph> for #requests {})*
        #(#was)* #(#starts)* #(#into)*
    }
}

fn graph(guess: &Guess<'_>) -> TokenStream {
    let table = guess.table;
    let (graph, any, end) = (&table.name, any_state(table), any_end(table));
    let env = table.env.as_ref().map_or(quote!(()), |env| quote!(#env));
    let meta = meta::emit(table);
    let mut told = BTreeSet::new();
    let serves = table.serves.iter().filter(|request| told.insert(text(request))).map(|request| {
        quote_spanned! {request.span()=>
            impl ::engine::Serves<#request> for #graph {
                fn open(_: #request) -> #any { ::core::unreachable!() }
                fn answer(_: #end) -> <#request as ::engine::Request>::Outcome { ::core::unreachable!() }
            }
        }
    });
    quote! {
        #(#serves)*
        impl ::engine::Graph for #graph {
            type Env = #env;
            type State = #any;
            type End = #end;
            const META: ::engine::Meta = #meta;
            fn stored() -> ::std::vec::Vec<::engine::graph::StoredType> { ::core::unreachable!() }
            fn decode(
                _: &::engine::Encoded,
                _: &::engine::Reading,
            ) -> ::core::result::Result<#any, ::engine::Refused> { ::core::unreachable!() }
            fn encode(_: &#any) -> ::engine::Encoded { ::core::unreachable!() }
            fn name(_: &#any) -> &'static str { ::core::unreachable!() }
            fn wait(_: &#any) -> ::engine::Wait { ::core::unreachable!() }
            fn ask(_: &#any, _: usize, _: &mut ::engine::Purse) -> ::core::option::Option<::engine::Encoded> {
                ::core::unreachable!()
            }
            async fn handle(
                _: #any,
                _: ::engine::Wake,
                _: &mut ::engine::Cx<Self>,
            ) -> ::core::result::Result<#any, ::engine::Fault> { ::core::unreachable!() }
            fn stop(_: ::engine::Stop) -> #any { ::core::unreachable!() }
            fn finish(_: #any) -> ::core::result::Result<#end, #any> { ::core::unreachable!() }
            fn serve(_: &mut ::engine::Registry) { ::core::unreachable!() }
        }
    }
}
