//! `#[state]`, `#[event]`, `#[durable]`, `#[request]`, `#[fact]` and `graph!`: the compile-time half of the engine.
//!
//! What these emit is ordinary Rust that an author could have written; what they refuse, they refuse on the token that
//! is wrong, saying what to write.
mod codec;
mod emit;
mod journalled;
mod parse;
mod rules;
mod shape;
mod table;
mod walk;

use proc_macro::TokenStream;

/// Marks a struct as a state of a graph: sealed, decoded by the engine alone.
#[proc_macro_attribute]
pub fn state(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::state(args.into(), item.into()).into()
}

/// Marks a struct or enum as an event that a graph can wait for: sealed, decoded by the engine alone.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::sealed(args.into(), item.into()).into()
}

/// Marks a stage of a call, or another value that a state may hold and only the engine may decode: what
/// `bincode::decode_from_slice` could forge otherwise.
#[proc_macro_attribute]
pub fn sealed(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::sealed(args.into(), item.into()).into()
}

/// Marks a struct or enum as a noun that the journal can hold and anybody may read back.
#[proc_macro_attribute]
pub fn durable(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::open(args.into(), item.into()).into()
}

/// Marks a fact: `#[fact("name")]`. The type also implements `Fact` by hand.
#[proc_macro_attribute]
pub fn fact(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::open(args.into(), item.into()).into()
}

/// Marks what one graph may ask of another: `#[request(Outcome)]`.
#[proc_macro_attribute]
pub fn request(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::request(args.into(), item.into()).into()
}

/// Derives the structural hash of a type that the journal holds.
#[proc_macro_derive(Shape)]
pub fn shape(item: TokenStream) -> TokenStream {
    shape::derive(item.into()).into()
}

/// Declares a graph.
#[proc_macro]
pub fn graph(input: TokenStream) -> TokenStream {
    let table = match syn::parse::<table::Table>(input) {
        Ok(table) => table,
        Err(error) => return error.into_compile_error().into(),
    };
    let wrong = rules::check(&table);
    if wrong.is_empty() {
        return emit::emit(&table).into();
    }
    wrong.into_iter().map(syn::Error::into_compile_error).collect::<proc_macro2::TokenStream>().into()
}
