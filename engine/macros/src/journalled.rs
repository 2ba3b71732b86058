//! The attributes: the name of a journalled type, its shape, and who may decode it.
use crate::{
    codec::{Context, impl_codec},
    shape::impl_shape,
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, LitStr, Result, Type, spanned::Spanned};

/// A state: sealed, and named like its struct, because the table names it so.
pub(crate) fn state(args: TokenStream, item: TokenStream) -> TokenStream {
    if args.is_empty() {
        return sealed(args, item);
    }
    let refused = Error::new(
        args.span(),
        "a state is journalled under its struct's name: write `#[state]`, and `was old::Name => Name;` in the table \
         when you rename it",
    );
    let (refused, item) = (refused.into_compile_error(), sealed(TokenStream::new(), item));
    quote!(#refused #item)
}

/// An event or a stage of a call: decoded with the engine's `Reading` only.
pub(crate) fn sealed(args: TokenStream, item: TokenStream) -> TokenStream {
    let emit = || -> Result<TokenStream> {
        let (input, name) = parse(&args, &item)?;
        let at = quote!(::engine::durable);
        let (ident, shape) = (&input.ident, impl_shape(&input, &at)?);
        let (codec, refused) = (impl_codec(&input, &at, &Context::Sealed), matched_to_the_end(&input));
        Ok(quote! {
            #refused
            #codec
            #shape
            impl ::engine::Stored for #ident { const NAME: &'static str = #name; }
        })
    };
    with_item(&item, emit())
}

/// A noun or a fact: anybody may decode it.
pub(crate) fn open(args: TokenStream, item: TokenStream) -> TokenStream {
    let emit = || -> Result<TokenStream> {
        let (input, name) = parse(&args, &item)?;
        emit_open(&input, &name)
    };
    with_item(&item, emit())
}

/// A request: a noun with an outcome.
pub(crate) fn request(args: TokenStream, item: TokenStream) -> TokenStream {
    let emit = || -> Result<TokenStream> {
        let outcome: Type = syn::parse2(args.clone()).map_err(|_| {
            Error::new(args.span(), "a request names what can come back: write `#[request(Outcome)]`")
        })?;
        let (input, name) = parse(&TokenStream::new(), &item)?;
        let (ident, open) = (&input.ident, emit_open(&input, &name)?);
        Ok(quote! { #open impl ::durable::Request for #ident { type Outcome = #outcome; } })
    };
    with_item(&item, emit())
}

/// The item stays where its attribute is refused, so that each of its uses is not reported as well.
fn with_item(item: &TokenStream, emitted: Result<TokenStream>) -> TokenStream {
    let emitted = emitted.unwrap_or_else(Error::into_compile_error);
    quote!(#item #emitted)
}

/// Reads the item and its name. What is wrong but can be emitted all the same is left for [`matched_to_the_end`].
fn parse(args: &TokenStream, item: &TokenStream) -> Result<(DeriveInput, String)> {
    let input: DeriveInput = syn::parse2(item.clone())?;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a journalled type has one name and one shape: write one type for each use",
        ));
    }
    let name = match args.is_empty() {
        true => input.ident.to_string(),
        false => syn::parse2::<LitStr>(args.clone())?.value(),
    };
    Ok((input, name))
}

/// Refuses `#[non_exhaustive]`: who matches an outcome would be forced to write `_ =>`, and a new variant would slip by.
fn matched_to_the_end(input: &DeriveInput) -> Option<TokenStream> {
    let attr = input.attrs.iter().find(|attr| attr.path().is_ident("non_exhaustive"))?;
    let refused =
        Error::new_spanned(attr, "a journalled type is matched to the end: remove `#[non_exhaustive]`");
    Some(refused.into_compile_error())
}

fn emit_open(input: &DeriveInput, name: &str) -> Result<TokenStream> {
    let at = quote!(::durable);
    let (ident, shape) = (&input.ident, impl_shape(input, &at)?);
    let (codec, refused) = (impl_codec(input, &at, &Context::Open), matched_to_the_end(input));
    Ok(quote! {
        #refused
        #codec
        #shape
        impl ::durable::Durable for #ident {
            const NAME: &'static str = #name;
            fn take<__D: ::durable::bincode::de::Decoder>(
                decoder: &mut __D,
            ) -> ::core::result::Result<Self, ::durable::bincode::error::DecodeError> {
                ::durable::bincode::Decode::<__D::Context>::decode(decoder)
            }
        }
    })
}
