//! `Graph::handle`: one async function with one match, no boxes.
use super::{any_state, was};
use crate::table::{Row, Table, Trigger, Was};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Path};

pub(super) fn emit(table: &Table) -> TokenStream {
    let any = any_state(table);
    let arms = table.states().into_iter().map(|state| {
        let name = state.to_string();
        let rows: Vec<TokenStream> = table.rows_of(state).map(|row| arm(table, row, &any)).collect();
        let binding = if rows.is_empty() { quote!(_) } else { quote!(state) };
        quote! {
            #any::#state(#binding) => match wake {
                #(#rows)*
                wake => ::core::result::Result::Err(::engine::graph::glue::unlisted(#name, &wake)),
            }
        }
    });
    quote! {
        async fn handle(
            state: #any,
            wake: ::engine::Wake,
            cx: &mut ::engine::Cx<Self>,
        ) -> ::core::result::Result<#any, ::engine::Fault> {
            #[allow(unused_imports, reason = "a graph that asks nothing")]
            use ::engine::graph::glue::{Answered as _, AnsweredEach as _, Unrequested as _};
            match state { #(#arms),* }
        }
    }
}

fn arm(table: &Table, row: &Row, any: &Ident) -> TokenStream {
    let from = &row.from;
    let into = quote!(.await.map(#any::from));
    match &row.trigger {
        Trigger::Entered => {
            let step = quote_spanned!(from.span()=> <#from as ::engine::Step>::step(state, cx));
            quote!(::engine::Wake::Entered => #step #into,)
        }
        Trigger::On(event) => {
            let on = quote_spanned!(from.span()=> <#from as ::engine::On<#event>>::on(state, event, cx));
            let (tags, read) = read(table, event);
            quote! {
                ::engine::Wake::Event(event) if #tags => {
                    let event = #read;
                    #on #into
                }
            }
        }
        Trigger::After(_) => {
            let on = quote_spanned! {from.span()=>
                <#from as ::engine::On<::engine::Elapsed>>::on(state, ::engine::Elapsed, cx)
            };
            quote!(::engine::Wake::Elapsed => #on #into,)
        }
        Trigger::Asks(request) => quote! {
            ::engine::Wake::Outcome(outcome) => {
                (&::engine::graph::glue::Row::<#from, #request>::AT).answered(state, &outcome, cx) #into
            }
        },
        Trigger::AsksEach(request) => quote! {
            ::engine::Wake::Outcomes(outcomes) => {
                (&::engine::graph::glue::Row::<#from, #request>::AT).answered_each(state, &outcomes, cx) #into
            }
        },
    }
}

/// How an event is told from others, and how it is read: as it is written now, or as one that it was.
fn read(table: &Table, event: &Path) -> (TokenStream, TokenStream) {
    let (graph, lines) = (&table.name, was::of_event(table, event));
    let tag = quote!(::engine::graph::glue::event_tag::<#graph, #event>());
    let now = quote!(::engine::graph::glue::event::<#graph, #event>(&event, cx)?);
    if lines.is_empty() {
        return (quote!(event.tag == #tag), now);
    }
    let (functions, tags) = (was::functions(table, &lines), lines.iter().map(|line| old_tag(graph, line)));
    let olds = lines.iter().map(|line| {
        let (old, new) = (&line[0].old, &line[0].new);
        let led = was::led(table, line, &quote!(old?));
        quote! {
            if let ::core::option::Option::Some(old) =
                ::engine::graph::glue::old_event::<#graph, #new, #old>(&event, cx)
            {
                #led
            } else
        }
    });
    (quote!([#tag, #(#tags),*].contains(&event.tag)), quote!({ #functions #(#olds)* { #now } }))
}

/// The tag of the old type that goes along these rows.
pub(super) fn old_tag(graph: &Ident, line: &[&Was]) -> TokenStream {
    let (old, new) = (&line[0].old, &line[0].new);
    quote!(::engine::graph::glue::old_tag::<#graph, #new, #old>())
}
