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
#[proc_macro_attribute]
pub fn tool(options: TokenStream, function: TokenStream) -> TokenStream {
    match parse::tool(options.into(), function.into()) {
        Ok(tool) => emit::tool(&tool).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
