//! Writes the tool that stands beside its function: what an author could have written by hand.
use crate::parse::{Parameter, Tool};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, FnArg, Index, ItemFn, spanned::Spanned};

pub(crate) fn tool(function: &ItemFn, tool: &Tool) -> TokenStream {
    let Tool { description, tier, recovery, probe, timeout_seconds, parameters } = tool;
    let (call, vis, name) = (&function.sig.ident, &function.vis, type_name(&function.sig.ident));
    let (text, doc) = (call.to_string(), format!("The tool `{call}`."));
    let types: Vec<_> = parameters.iter().map(|p| &p.ty).collect();
    let made = parameters.iter().map(made);
    // An argument may be called the same: these names are not the author's.
    let [context, arguments, parameters_var] =
        ["context", "arguments", "parameters"].map(|name| Ident::new(name, Span::mixed_site()));
    let (mut parameters_fn, mut parameters_made) = (quote!(), quote!());
    if !parameters.is_empty() {
        parameters_fn = quote! {
            impl #name {
                fn parameters() -> (#(::tools::Parameter<#types>,)*) {
                    (#(#made,)*)
                }
            }
        };
        parameters_made = quote!(let #parameters_var = Self::parameters(););
    }
    let names: Vec<_> = parameters.iter().map(|p| &p.name).collect();
    let at: Vec<_> = (0..parameters.len()).map(Index::from).collect();
    let probe_fns = probe.as_ref().map(|module| {
        let [look, before] = ["look", "before"].map(|name| Ident::new(name, Span::mixed_site()));
        // Placed on the module, so that a function it does not have is reported there.
        let [evidence, probe] = ["evidence", "probe"].map(|name| Ident::new(name, module.span()));
        quote! {
            fn evidence<'a>(
                &'a self, #look: &'a ::tools::Look, #arguments: ::tools::Arguments,
            ) -> ::tools::Looked<'a, ::tools::Evidence> {
                ::std::boxed::Box::pin(async move {
                    let _ = &#arguments;
                    #parameters_made
                    #(let #names = #parameters_var.#at.read(&#arguments)?;)*
                    #module::#evidence(#look, #(#names),*).await
                })
            }
            fn probe<'a>(
                &'a self, #look: &'a ::tools::Look, #arguments: ::tools::Arguments, #before: &'a ::tools::Evidence,
            ) -> ::tools::Looked<'a, ::tools::Found> {
                ::std::boxed::Box::pin(async move {
                    let _ = &#arguments;
                    #parameters_made
                    #(let #names = #parameters_var.#at.read(&#arguments)?;)*
                    #module::#probe(#look, #before, #(#names),*).await
                })
            }
        }
    });
    quote! {
        #function

        #[doc = #doc]
        #[derive(Debug, Clone, Copy)]
        #vis struct #name;

        #parameters_fn

        impl ::tools::Tool for #name {
            fn head(&self) -> ::tools::Head {
                #parameters_made
                ::tools::Head {
                    name: #text,
                    description: #description,
                    tier: ::tools::Tier::#tier,
                    recovery: ::tools::Recovery::#recovery,
                    timeout: ::core::time::Duration::from_secs(#timeout_seconds),
                    fields: ::std::vec![#(#parameters_var.#at.field()),*],
                }
            }
            fn check(&self, #arguments: &::tools::Arguments) -> ::core::result::Result<(), ::tools::Misfit> {
                let _ = #arguments;
                #parameters_made
                #(#parameters_var.#at.check(#arguments)?;)*
                ::core::result::Result::Ok(())
            }
            fn call<'a>(&'a self, #context: &'a ::tools::Context, #arguments: ::tools::Arguments) -> ::tools::Called<'a> {
                ::std::boxed::Box::pin(async move {
                    let _ = &#arguments;
                    #parameters_made
                    #(let #names = #parameters_var.#at.read(&#arguments)?;)*
                    #call(#context, #(#names),*).await
                })
            }
            #probe_fns
        }
    }
}

/// The function as it is, but for the doc comments on its parameters, and what is wrong with it.
pub(crate) fn refused(function: &ItemFn, error: &Error) -> TokenStream {
    let mut function = function.clone();
    for input in &mut function.sig.inputs {
        match input {
            FnArg::Typed(typed) => typed.attrs.clear(),
            FnArg::Receiver(_) => {}
        }
    }
    let error = error.to_compile_error();
    quote!(#error #[allow(dead_code, reason = "it would be a tool")] #function)
}

/// Placed on the type, so that a type without a schema is reported there.
fn made(parameter: &Parameter) -> TokenStream {
    let (name, description, ty) = (parameter.name.to_string(), &parameter.description, &parameter.ty);
    quote_spanned!(ty.span()=> ::tools::Parameter::<#ty>::new(#name, #description))
}

/// `file_read` is the tool `FileRead`.
fn type_name(function: &Ident) -> Ident {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    let name: String = function.to_string().split('_').map(capital).collect();
    Ident::new(&name, function.span())
}
