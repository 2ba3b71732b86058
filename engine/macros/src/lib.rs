//! `#[state]`, `#[event]`, `#[durable]`, `#[request]`, `#[fact]` and `graph!`: the compile-time half of the engine.
//!
//! What these emit is ordinary Rust that an author could have written; what they refuse, they refuse on the token that
//! is wrong, saying what to write.
mod journalled;

use proc_macro::TokenStream;

/// Marks a struct as a state of a graph: sealed, decoded by the engine alone.
#[proc_macro_attribute]
pub fn state(args: TokenStream, item: TokenStream) -> TokenStream {
    journalled::sealed(args.into(), item.into()).into()
}

/// Marks a struct or enum as an event that a graph can wait for: sealed, decoded by the engine alone.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
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
    journalled::shape(item.into()).into()
}

/// Declares a graph.
#[proc_macro]
pub fn graph(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
