//! `Graph::handle`: one async function with one match, no boxes.
use super::any_state;
use crate::table::{Row, Table, Trigger};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

pub(super) fn emit(table: &Table) -> TokenStream {
    let any = any_state(table);
    let arms = table.states().into_iter().map(|state| {
        let name = state.to_string();
        let rows: Vec<TokenStream> = table.rows_of(state).map(|row| arm(row, &table.name, &any)).collect();
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

fn arm(row: &Row, graph: &Ident, any: &Ident) -> TokenStream {
    let from = &row.from;
    let into = quote!(.await.map(#any::from));
    match &row.trigger {
        Trigger::Entered => {
            let step = quote_spanned!(from.span()=> <#from as ::engine::Step>::step(state, cx));
            quote!(::engine::Wake::Entered => #step #into,)
        }
        Trigger::On(event) => {
            let on = quote_spanned!(from.span()=> <#from as ::engine::On<#event>>::on(state, event, cx));
            quote! {
                ::engine::Wake::Event(event)
                    if event.tag == ::engine::graph::glue::event_tag::<#graph, #event>() =>
                {
                    let event = ::engine::graph::glue::event::<#graph, #event>(&event, cx)?;
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
