//! The table as data.
use crate::{
    table::{ExitKind, Row, Table, Trigger, last},
    walk::Edges,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta};

pub(super) fn emit(table: &Table) -> TokenStream {
    let (name, version) = (table.name.to_string(), table.version);
    let doc = table.attrs.iter().filter_map(doc_line).collect::<Vec<_>>().join("\n");
    let start = table.starts.first().map(ToString::to_string).unwrap_or_default();
    let ends = table.ends.iter().map(ToString::to_string);
    let edges = table.rows.iter().map(edge);
    let exit = |kind| table.exit(kind).map(ToString::to_string);
    // Either is missing only where the rules were broken and nothing reads this.
    let [cancel, fault] = [ExitKind::Cancel, ExitKind::Fault].map(|kind| exit(kind).unwrap_or_default());
    let exhausted = optional(exit(ExitKind::Exhausted));
    let lap = optional(table.laps.first().map(Ident::to_string));
    let (reserve, serves) = (reserve(table), table.serves.iter().map(last));
    let asks = table.asks().map(|(row, request)| {
        let (graph, from) = (&table.name, row.from.to_string());
        quote!(::engine::graph::glue::asked::<#graph, #request>(#from))
    });
    quote! {
        ::engine::Meta {
            name: #name,
            doc: #doc,
            version: #version,
            start: #start,
            ends: &[#(#ends),*],
            edges: &[#(#edges),*],
            cancel: #cancel,
            fault: #fault,
            exhausted: #exhausted,
            lap: #lap,
            reserve: #reserve,
            serves: &[#(#serves),*],
            asks: &[#(#asks),*],
        }
    }
}

/// How many moves the longest path from an exit to an end takes.
fn reserve(table: &Table) -> u32 {
    let edges = Edges::of(table);
    if edges.cycle(table.exit_targets()).is_some() {
        return 0; // refused by the rules
    }
    table.exit_targets().into_iter().map(|to| edges.longest(to)).max().unwrap_or(0)
}

fn edge(row: &Row) -> TokenStream {
    let (from, to) = (row.from.to_string(), row.to.iter().map(ToString::to_string));
    let trigger = match &row.trigger {
        Trigger::Entered => quote!(Entered),
        Trigger::On(event) => {
            let event = last(event);
            quote!(On(#event))
        }
        Trigger::After(pause) => {
            let text = &pause.text;
            quote!(After(#text))
        }
        Trigger::Asks(request) => {
            let request = last(request);
            quote!(Asks(#request))
        }
        Trigger::AsksEach(request) => {
            let request = last(request);
            quote!(AsksEach(#request))
        }
    };
    quote!(::engine::graph::Edge { from: #from, trigger: ::engine::graph::Trigger::#trigger, to: &[#(#to),*] })
}

fn optional(text: Option<String>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

fn doc_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &meta.value else { return None };
    attr.path().is_ident("doc").then(|| line.value().trim().to_string())
}
