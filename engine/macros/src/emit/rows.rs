//! What each state, row, event and request of a table implements.
use super::{any_end, any_state, next_of};
use crate::table::{Row, Table, Trigger};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

pub(super) fn emit(table: &Table) -> TokenStream {
    let (graph, any) = (&table.name, any_state(table));
    let states = table.states().into_iter().map(|state| of_state(state, graph, &any));
    let rows = table.rows.iter().map(|row| of_row(row, &any));
    let events = table
        .events()
        .into_iter()
        .map(|event| quote_spanned!(event.span()=> impl ::engine::EventOf<#graph> for #event {}));
    let requests = table.requests().into_iter().map(|request| {
        quote_spanned!(request.span()=> impl ::engine::graph::glue::AskedBy<#graph> for #request {})
    });
    let was = table.was.iter().map(|was| {
        let (old, new) = (&was.old, &was.new);
        quote_spanned!(old.span()=> impl ::engine::graph::glue::Was<#graph, #old> for #new { type Old = #old; })
    });
    let start =
        table.starts.iter().map(|start| quote_spanned!(start.span()=> impl ::engine::Start for #start {}));
    let serves = table.serves.iter().map(|request| of_server(request, table));
    quote!(#(#states)* #(#rows)* #(#events)* #(#requests)* #(#was)* #(#start)* #(#serves)*)
}

pub(super) fn of_state(state: &Ident, graph: &Ident, any: &Ident) -> TokenStream {
    let row = state.to_string();
    let renamed = format!(
        "`{row}` in the table is not the name of the state: name the struct itself there, and no `use .. as {row}`"
    );
    quote_spanned! {state.span()=>
        impl ::engine::State for #state { type Graph = #graph; }
        impl ::engine::graph::glue::StateOf<#graph> for #state {}
        impl ::core::convert::From<#state> for #any {
            fn from(state: #state) -> Self { Self::#state(state) }
        }
        const _: () = ::core::assert!(::engine::graph::glue::is_named::<#graph, #state>(#row), #renamed);
    }
}

/// The type that stands for a trigger.
pub(super) fn via(trigger: &Trigger) -> TokenStream {
    match trigger {
        Trigger::Entered => quote!(::engine::Entered),
        Trigger::On(path) | Trigger::Asks(path) | Trigger::AsksEach(path) => quote!(#path),
        Trigger::After(_) => quote!(::engine::Elapsed),
    }
}

fn of_row(row: &Row, any: &Ident) -> TokenStream {
    let (from, to, next) = (&row.from, &row.to, next_of(row));
    let via = via(&row.trigger);
    let picks = to.iter().map(|to| {
        quote_spanned! {to.span()=>
            impl ::engine::Successor<#to> for #next {
                fn pick(to: #to) -> Self { Self::#to(to) }
            }
        }
    });
    quote_spanned! {from.span()=>
        impl ::engine::Leaves<#via> for #from { type Next = #next; }
        #(#picks)*
        impl ::core::convert::From<#next> for #any {
            fn from(next: #next) -> Self {
                match next { #(#next::#to(state) => Self::#to(state)),* }
            }
        }
    }
}

fn of_server(request: &Path, table: &Table) -> TokenStream {
    let (graph, any, end) = (&table.name, any_state(table), any_end(table));
    let open = table.starts.iter().map(
        |start| quote_spanned!(start.span()=> #any::#start((&Row::<#start, #request>::AT).open(request))),
    );
    let answers = table.ends.iter().map(|state| {
        quote_spanned!(state.span()=> #end::#state(state) => (&Row::<#state, #request>::AT).answer(state),)
    });
    let glue = quote!(
        use ::engine::graph::glue::{Requested as _, Row, Unrequested as _};
    );
    quote_spanned! {request.span()=>
        impl ::engine::Serves<#request> for #graph {
            fn open(request: #request) -> #any {
                #glue
                #(#open)*
            }
            fn answer(end: #end) -> <#request as ::engine::Request>::Outcome {
                #glue
                match end { #(#answers)* }
            }
        }
    }
}
