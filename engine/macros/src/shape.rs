//! The structural hash of a journalled type: what the bytes look like, computed at compile time.
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Fields, Result, spanned::Spanned};

/// `#[derive(Shape)]`, for types of the `durable` package itself.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    syn::parse2(item)
        .and_then(|input| impl_shape(&input, &quote!(::durable)))
        .unwrap_or_else(Error::into_compile_error)
}

/// Emits `impl Shape`; `at` is the path of the `durable` package.
pub(crate) fn impl_shape(input: &DeriveInput, at: &TokenStream) -> Result<TokenStream> {
    let ident = &input.ident;
    let body = match &input.data {
        Data::Struct(data) => fields(&data.fields, at),
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let (name, inner) = (variant.ident.to_string(), fields(&variant.fields, at));
                quote!(hash = #at::mix(hash, #at::hash_name(#name)); #inner)
            })
            .collect(),
        Data::Union(_) => {
            return Err(Error::new(
                ident.span(),
                "a union cannot be journalled, its bytes do not say which field they are: write an enum",
            ));
        }
    };
    Ok(quote! {
        impl #at::Shape for #ident {
            const SHAPE: u64 = {
                #[allow(unused_mut, reason = "a type without fields")]
                let mut hash = 0u64;
                #body
                hash
            };
        }
    })
}

fn fields(fields: &Fields, at: &TokenStream) -> TokenStream {
    let one = |(index, field): (usize, &syn::Field)| {
        let name = field.ident.as_ref().map_or(index.to_string(), ToString::to_string);
        let ty = &field.ty;
        quote_spanned!(ty.span()=>
            hash = #at::mix(hash, #at::mix(#at::hash_name(#name), <#ty as #at::Shape>::SHAPE));
        )
    };
    fields.iter().enumerate().map(one).collect()
}
