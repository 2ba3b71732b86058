//! Writes the tool that stands beside its function: what an author could have written by hand.
use crate::parse::{Parameter, Tool};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

pub(crate) fn tool(tool: &Tool) -> TokenStream {
    let Tool { function, description, tier, recovery, timeout_seconds, parameters } = tool;
    let (call, vis, name) = (&function.sig.ident, &function.vis, type_name(&function.sig.ident));
    let (text, doc) = (call.to_string(), format!("The tool `{call}`."));
    let fields = parameters.iter().map(field);
    let checks = parameters.iter().map(|p| {
        let (read, key) = (reader(p, "check"), p.name.to_string());
        quote!(#read(arguments, #key)?;)
    });
    let values = parameters.iter().map(|p| {
        let (read, key, name) = (reader(p, "read"), p.name.to_string(), &p.name);
        quote!(let #name = #read(&arguments, #key).map_err(::tools::Failure::from)?;)
    });
    let names = parameters.iter().map(|p| &p.name);
    quote! {
        #function

        #[doc = #doc]
        #[derive(Debug, Clone, Copy)]
        #vis struct #name;

        impl ::tools::Tool for #name {
            fn head(&self) -> ::tools::Head {
                ::tools::Head {
                    name: #text,
                    description: #description,
                    tier: ::tools::Tier::#tier,
                    recovery: ::tools::Recovery::#recovery,
                    timeout: ::core::time::Duration::from_secs(#timeout_seconds),
                    fields: ::std::vec![#(#fields),*],
                }
            }
            fn check(&self, arguments: &::tools::Arguments) -> ::core::result::Result<(), ::tools::Misfit> {
                let _ = arguments;
                #(#checks)*
                ::core::result::Result::Ok(())
            }
            fn call<'a>(&'a self, context: &'a ::tools::Context, arguments: ::tools::Arguments) -> ::tools::Called<'a> {
                ::std::boxed::Box::pin(async move {
                    let _ = &arguments;
                    #(#values)*
                    #call(context, #(#names),*).await
                })
            }
        }
    }
}

fn field(parameter: &Parameter) -> TokenStream {
    let (name, description, ty) = (parameter.name.to_string(), &parameter.description, &parameter.ty);
    quote_spanned!(ty.span()=> ::tools::Parameter::<#ty>::field(#name, #description))
}

/// A function of `Parameter<T>`, placed on the type so that a type without a schema is reported there, once.
fn reader(parameter: &Parameter, what: &str) -> TokenStream {
    let (ty, what) = (&parameter.ty, format_ident!("{what}", span = parameter.ty.span()));
    quote_spanned!(ty.span()=> ::tools::Parameter::<#ty>::#what)
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
