//! `#[tool]`: a tool from an async function. Names, types and doc comments become the schema; what the model sends is
//! checked against it before the function sees it. What cannot be described to a model does not compile.
mod emit;
mod parse;

use proc_macro::TokenStream;

/// Makes a tool of an async function: `#[tool(tier = workspace, recovery = keyed, timeout = 15s)]`.
///
/// The first parameter is `context: &Context`; each other one is an argument of the call, described by its own doc
/// comment. The function's doc comment is what the model reads about the tool. It returns
/// `Result<String, Failure>`. Beside `async fn file_read` stands `struct FileRead`, the tool.
///
/// `recovery = probeable` comes with `probe = a_module`, which has two functions that take a `&Look` and the same
/// arguments: `evidence(look, …) -> Result<Evidence, Failure>` sees what a call is going to change, and
/// `probe(look, &Evidence, …) -> Result<Found, Failure>` says after a crash whether it did. Both only look.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, function: TokenStream) -> TokenStream {
    let mut function = match syn::parse::<syn::ItemFn>(function) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error().into(),
    };
    match parse::tool(options.into(), &mut function) {
        Ok(tool) => emit::tool(&function, &tool).into(),
        // The function stays, so that what it uses is not called unused.
        Err(error) => emit::refused(&function, &error).into(),
    }
}
