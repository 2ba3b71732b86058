//! Types that the journal holds: their name, their shape, and who may decode them.
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Type, spanned::Spanned};

/// A state or an event: decoded with the engine's `Reading` only.
pub(crate) fn sealed(args: TokenStream, item: TokenStream) -> TokenStream {
    let emit = || -> Result<TokenStream> {
        let (input, name) = parse(&args, &item)?;
        let (ident, shape) = (&input.ident, shape_of(&input, &quote!(::engine::durable))?);
        Ok(quote! {
            #[derive(::engine::bincode::Encode, ::engine::bincode::Decode)]
            #[bincode(crate = "::engine::bincode", decode_context = "::engine::Reading")]
            #item
            #shape
            impl ::engine::Stored for #ident { const NAME: &'static str = #name; }
        })
    };
    emit().unwrap_or_else(Error::into_compile_error)
}

/// A noun or a fact: anybody may decode it.
pub(crate) fn open(args: TokenStream, item: TokenStream) -> TokenStream {
    let emit = || -> Result<TokenStream> {
        let (input, name) = parse(&args, &item)?;
        emit_open(&input, &item, &name)
    };
    emit().unwrap_or_else(Error::into_compile_error)
}

/// A request: a noun with an outcome.
pub(crate) fn request(args: TokenStream, item: TokenStream) -> TokenStream {
    let emit = || -> Result<TokenStream> {
        let outcome: Type = syn::parse2(args.clone())?;
        let (input, name) = parse(&TokenStream::new(), &item)?;
        let (ident, open) = (&input.ident, emit_open(&input, &item, &name)?);
        Ok(quote! { #open impl ::durable::Request for #ident { type Outcome = #outcome; } })
    };
    emit().unwrap_or_else(Error::into_compile_error)
}

/// `#[derive(Shape)]`, for types of the `durable` package itself.
pub(crate) fn shape(item: TokenStream) -> TokenStream {
    syn::parse2(item).and_then(|input| shape_of(&input, &quote!(::durable))).unwrap_or_else(Error::into_compile_error)
}

fn parse(args: &TokenStream, item: &TokenStream) -> Result<(DeriveInput, String)> {
    let input: DeriveInput = syn::parse2(item.clone())?;
    if let Some(attr) = input.attrs.iter().find(|a| a.path().is_ident("non_exhaustive")) {
        return Err(Error::new(attr.span(), "a journalled type is matched to the end: remove `#[non_exhaustive]`"));
    }
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a journalled type has one name and one shape: write one type for each use"));
    }
    let name = if args.is_empty() { input.ident.to_string() } else { syn::parse2::<LitStr>(args.clone())?.value() };
    Ok((input, name))
}

fn emit_open(input: &DeriveInput, item: &TokenStream, name: &str) -> Result<TokenStream> {
    let (ident, shape) = (&input.ident, shape_of(input, &quote!(::durable))?);
    Ok(quote! {
        #[derive(::durable::bincode::Encode, ::durable::bincode::Decode)]
        #[bincode(crate = "::durable::bincode")]
        #item
        #shape
        impl ::durable::Durable for #ident {
            const NAME: &'static str = #name;
            fn take<D: ::durable::bincode::de::Decoder>(decoder: &mut D) -> ::core::result::Result<Self, ::durable::bincode::error::DecodeError> {
                ::durable::bincode::Decode::<D::Context>::decode(decoder)
            }
        }
    })
}

fn shape_of(input: &DeriveInput, at: &TokenStream) -> Result<TokenStream> {
    let ident = &input.ident;
    let body = match &input.data {
        Data::Struct(s) => fields(&s.fields, at),
        Data::Enum(e) => e
            .variants
            .iter()
            .map(|v| {
                let (name, inner) = (v.ident.to_string(), fields(&v.fields, at));
                quote!(hash = #at::mix(hash, #at::hash_name(#name)); #inner)
            })
            .collect(),
        Data::Union(_) => return Err(Error::new(ident.span(), "a union cannot be journalled: its bytes do not say which field they are")),
    };
    Ok(quote! {
        impl #at::Shape for #ident {
            const SHAPE: u64 = { #[allow(unused_mut, reason = "a type without fields")] let mut hash = 0u64; #body hash };
        }
    })
}

fn fields(fields: &Fields, at: &TokenStream) -> TokenStream {
    fields
        .iter()
        .enumerate()
        .map(|(i, field)| {
            let (ty, name) = (&field.ty, field.ident.as_ref().map_or(i.to_string(), ToString::to_string));
            quote_spanned!(ty.span()=> hash = #at::mix(hash, #at::mix(#at::hash_name(#name), <#ty as #at::Shape>::SHAPE));)
        })
        .collect()
}
