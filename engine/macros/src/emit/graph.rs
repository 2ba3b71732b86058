//! `impl Graph`.
use super::{any_end, any_state, handle, meta, was};
use crate::table::{ExitKind, Pause, Table, Trigger, When};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use std::collections::BTreeMap;
use syn::{Ident, spanned::Spanned};

pub(super) fn emit(table: &Table) -> TokenStream {
    let (graph, any, end) = (&table.name, any_state(table), any_end(table));
    let env = table.env.as_ref().map_or(quote!(()), |env| quote!(#env));
    let (states, ends) = (table.states(), &table.ends);
    let serves = table.serves.iter().map(|request| {
        quote_spanned!(request.span()=> (&::engine::graph::glue::Row::<Self, #request>::AT).serve(registry);)
    });
    let names = states.iter().map(ToString::to_string);
    let (meta, handle) = (meta::emit(table), handle::emit(table));
    let (stored, decode, wait) = (stored(table), decode(table), wait(table));
    let (ask, stop, finish) = (ask(table), stop(table), finish(table));
    quote! {
        impl ::engine::Graph for #graph {
            type Env = #env;
            type State = #any;
            type End = #end;
            const META: ::engine::Meta = #meta;

            fn stored() -> ::std::vec::Vec<::engine::graph::StoredType> { #stored }
            fn decode(
                state: &::engine::Encoded,
                reading: &::engine::Reading,
            ) -> ::core::result::Result<#any, ::engine::Refused> { #decode }
            fn encode(state: &#any) -> ::engine::Encoded {
                match state { #(#any::#states(state) => ::engine::graph::glue::write::<Self, #states>(state)),* }
            }
            fn name(state: &#any) -> &'static str {
                match state { #(#any::#states(_) => #names),* }
            }
            fn wait(state: &#any) -> ::engine::Wait { #wait }
            fn ask(
                state: &#any,
                n: usize,
                purse: &mut ::engine::Purse,
            ) -> ::core::option::Option<::engine::Encoded> { #ask }
            #handle
            fn stop(stop: ::engine::Stop) -> #any { #stop }
            fn finish(state: #any) -> ::core::result::Result<#end, #any> {
                match state {
                    #(#any::#ends(state) => ::core::result::Result::Ok(#end::#ends(state)),)*
                    #finish
                }
            }
            fn serve(registry: &mut ::engine::Registry) {
                #[allow(unused_imports, reason = "a graph that serves nothing")]
                use ::engine::graph::glue::{Requested as _, Unrequested as _};
                let _ = &registry;
                #(#serves)*
            }
        }
    }
}

fn stored(table: &Table) -> TokenStream {
    let (graph, states, events) = (&table.name, table.states(), table.events());
    let was = table.was.iter().map(|was| {
        let (old, new) = (&was.old, &was.new);
        quote!(::engine::graph::glue::old_type::<#graph, #new, #old>())
    });
    quote! {
        ::std::vec![
            #(::engine::graph::glue::state_type::<Self, #states>(),)*
            #(#was,)*
            #(::engine::graph::glue::event_type::<#graph, #events>(),)*
        ]
    }
}

fn decode(table: &Table) -> TokenStream {
    let (any, states) = (any_state(table), table.states());
    let lines = states.iter().map(|state| (*state, was::of_state(table, state))).collect::<Vec<_>>();
    let all: Vec<_> = lines.iter().flat_map(|(_, lines)| lines.clone()).collect();
    let functions = was::functions(table, &all);
    let read = lines.iter().flat_map(|(state, lines)| lines.iter().map(move |line| (state, line)));
    let was = read.map(|(state, line)| {
        let (old, new) = (&line[0].old, &line[0].new);
        let led = was::led(table, line, &quote!(old?));
        quote! {
            if let ::core::option::Option::Some(old) =
                ::engine::graph::glue::read_old::<Self, #new, #old>(state, reading)
            {
                return ::core::result::Result::Ok(#any::#state(#led));
            }
        }
    });
    quote! {
        #functions
        #(if let ::core::option::Option::Some(found) = ::engine::graph::glue::read::<Self, #states>(state, reading) {
            return found.map(#any::#states);
        })*
        #(#was)*
        ::core::result::Result::Err(::engine::graph::glue::unknown(
            &<Self as ::engine::Graph>::META,
            state,
            &[#(::engine::graph::glue::state_type::<Self, #states>()),*],
        ))
    }
}

fn wait(table: &Table) -> TokenStream {
    let any = any_state(table);
    let arms = table.states().into_iter().map(|state| {
        let wait = wait_of(table, state);
        let says = |trigger: &Trigger| matches!(trigger, Trigger::After(Pause { when: When::Said(_), .. }));
        let binding = match table.rows_of(state).any(|row| says(&row.trigger)) {
            true => quote!(state),
            false => quote!(_),
        };
        quote!(#any::#state(#binding) => #wait)
    });
    quote!(match state { #(#arms),* })
}

fn wait_of(table: &Table, state: &Ident) -> TokenStream {
    if table.ends.contains(state) {
        return quote!(::engine::Wait::End);
    }
    let (graph, mut events) = (&table.name, Vec::new());
    let (mut after, mut asks) = (quote!(::core::option::Option::None), quote!(Nobody));
    for row in table.rows_of(state) {
        match &row.trigger {
            Trigger::Entered => return quote!(::engine::Wait::Step),
            Trigger::On(event) => {
                events.push(quote!(::engine::graph::glue::event_tag::<#graph, #event>()));
                let old = was::of_event(table, event);
                events.extend(old.iter().map(|line| handle::old_tag(graph, line)));
            }
            Trigger::After(pause) => {
                after = due(&pause.when);
            }
            Trigger::Asks(_) => asks = quote!(One),
            Trigger::AsksEach(_) => asks = quote!(Each),
        }
    }
    quote!({
        const EVENTS: &[u64] = &[#(#events),*];
        ::engine::Wait::For { events: EVENTS, after: #after, asks: ::engine::Asks::#asks }
    })
}

fn due(when: &When) -> TokenStream {
    match when {
        When::Span(span) => {
            let millis = span.as_millis() as u64;
            let span = quote!(::core::time::Duration::from_millis(#millis));
            quote!(::core::option::Option::Some(::engine::Due::In(#span)))
        }
        When::Said(way) => quote_spanned!(way.span()=> ::engine::graph::glue::due(#way)),
    }
}

fn ask(table: &Table) -> TokenStream {
    let any = any_state(table);
    let arms = table.asks().map(|(row, request)| {
        let from = &row.from;
        let at = quote_spanned!(from.span()=> (&::engine::graph::glue::Row::<#from, #request>::AT));
        match &row.trigger {
            Trigger::AsksEach(_) => {
                let asked = quote_spanned!(from.span()=> #at.ask_each(state, n, purse));
                quote!(#any::#from(state) => #asked,)
            }
            Trigger::Entered | Trigger::On(_) | Trigger::After(_) | Trigger::Asks(_) => {
                let asked = quote_spanned!(from.span()=> #at.ask(state, purse));
                quote!(#any::#from(state) => (n == 0).then(|| #asked),)
            }
        }
    });
    let silent: Vec<&Ident> =
        table.states().into_iter().filter(|state| table.asks().all(|(row, _)| row.from != **state)).collect();
    quote! {
        #[allow(unused_imports, reason = "a graph that asks nothing")]
        use ::engine::graph::glue::{Requested as _, Unrequested as _};
        let _ = (n, &purse);
        match state {
            #(#arms)*
            #(#any::#silent(_))|* => ::core::option::Option::None,
        }
    }
}

/// One arm per target, so that a missing `From<Stop>` is reported once for each.
fn stop(table: &Table) -> TokenStream {
    let any = any_state(table);
    let mut arms: BTreeMap<&Ident, Vec<TokenStream>> = BTreeMap::new();
    let mut lead = |to, why| arms.entry(to).or_default().push(why);
    let (cancel, fault) = (table.exit(ExitKind::Cancel), table.exit(ExitKind::Fault));
    let exhausted = table.exit(ExitKind::Exhausted).or(fault);
    if let (Some(cancel), Some(fault), Some(exhausted)) = (cancel, fault, exhausted) {
        lead(cancel, quote!(::engine::StopWhy::Cancelled));
        lead(exhausted, quote!(::engine::StopWhy::Exhausted(_)));
        lead(fault, quote!(::engine::StopWhy::Fault(_)));
        lead(fault, quote!(::engine::StopWhy::ChildLost(_)));
        lead(fault, quote!(::engine::StopWhy::Unclaimed));
    }
    let arms = arms.iter().map(|(to, whys)| {
        let led = quote_spanned!(to.span()=> <#to as ::engine::graph::glue::FromStop>::from_stop(stop));
        quote!(#(#whys)|* => #any::#to(#led),)
    });
    quote!(match &stop.why { #(#arms)* })
}

fn finish(table: &Table) -> TokenStream {
    let any = any_state(table);
    let running: Vec<&Ident> =
        table.states().into_iter().filter(|state| !table.ends.contains(state)).collect();
    if running.is_empty() {
        return TokenStream::new();
    }
    quote!(running @ (#(#any::#running(_))|*) => ::core::result::Result::Err(running),)
}
