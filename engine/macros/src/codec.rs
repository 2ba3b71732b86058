//! `Encode` and `Decode` of a journalled type, byte for byte as bincode's own derives write them: the index of a
//! variant as a `u32`, then the fields in their order. Ours instead of theirs, because a field that cannot be
//! journalled must be reported once and on its type, not by every trait in turn.
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, Ident, Index, spanned::Spanned};

/// Who may decode the type.
pub(crate) enum Context {
    /// Anybody: whatever the decoder carries.
    Open,
    /// The engine alone: the decoder carries its `Reading`.
    Sealed,
}

/// Emits the three impls; `at` is the path of the `durable` package.
pub(crate) fn impl_codec(input: &DeriveInput, at: &TokenStream, context: &Context) -> TokenStream {
    let ident = &input.ident;
    let (encode, decode) = match &input.data {
        Data::Struct(data) => {
            (encode_struct(&data.fields, at), decode_fields(&quote!(Self), &data.fields, at))
        }
        Data::Enum(data) => (encode_enum(data, at), decode_enum(data, at)),
        Data::Union(_) => return TokenStream::new(), // refused with the shape
    };
    let (params, reads) = match context {
        Context::Open => (quote!(<__C>), quote!(__C)),
        Context::Sealed => (quote!(), quote!(::engine::Reading)),
    };
    let borrowed = match context {
        Context::Open => quote!(<'__de, __C>),
        Context::Sealed => quote!(<'__de>),
    };
    let bincode = quote!(#at::bincode);
    quote! {
        const _: () = {
            #[allow(unused_imports, reason = "a type without fields")]
            use #at::field::{Shaped as _, Shapeless as _};
            impl #bincode::Encode for #ident {
                fn encode<__E: #bincode::enc::Encoder>(
                    &self,
                    __encoder: &mut __E,
                ) -> ::core::result::Result<(), #bincode::error::EncodeError> {
                    #encode
                }
            }
            impl #params #bincode::Decode<#reads> for #ident {
                fn decode<__D: #bincode::de::Decoder<Context = #reads>>(
                    __decoder: &mut __D,
                ) -> ::core::result::Result<Self, #bincode::error::DecodeError> {
                    #decode
                }
            }
            impl #borrowed #bincode::BorrowDecode<'__de, #reads> for #ident {
                fn borrow_decode<__D: #bincode::de::BorrowDecoder<'__de, Context = #reads>>(
                    __decoder: &mut __D,
                ) -> ::core::result::Result<Self, #bincode::error::DecodeError> {
                    <Self as #bincode::Decode<#reads>>::decode(__decoder)
                }
            }
        };
    }
}

fn encode_struct(fields: &Fields, at: &TokenStream) -> TokenStream {
    let puts = fields.iter().enumerate().map(|(index, field)| {
        let span = field.ty.span();
        match &field.ident {
            Some(name) => put(&field.ty, &quote_spanned!(span=> &self.#name), at),
            None => {
                let index = Index { index: index as u32, span };
                put(&field.ty, &quote_spanned!(span=> &self.#index), at)
            }
        }
    });
    quote!(#(#puts)* ::core::result::Result::Ok(()))
}

fn encode_enum(data: &syn::DataEnum, at: &TokenStream) -> TokenStream {
    let arms = data.variants.iter().enumerate().map(|(index, variant)| {
        let (name, index, locals) = (&variant.ident, index as u32, locals(&variant.fields));
        let puts =
            variant.fields.iter().zip(&locals).map(|(field, local)| put(&field.ty, &quote!(#local), at));
        let pattern = match &variant.fields {
            Fields::Named(named) => {
                let names = named.named.iter().map(|field| &field.ident);
                quote!(Self::#name { #(#names: #locals),* })
            }
            Fields::Unnamed(_) => quote!(Self::#name(#(#locals),*)),
            Fields::Unit => quote!(Self::#name),
        };
        quote!(#pattern => { #at::bincode::Encode::encode(&#index, __encoder)?; #(#puts)* })
    });
    if data.variants.is_empty() {
        return quote!(match *self {});
    }
    quote!(match self { #(#arms)* } ::core::result::Result::Ok(()))
}

fn decode_enum(data: &syn::DataEnum, at: &TokenStream) -> TokenStream {
    let error = quote!(#at::bincode::error);
    let type_name = quote!(::core::any::type_name::<Self>());
    let Some(max) = (data.variants.len() as u32).checked_sub(1) else {
        return quote!(::core::result::Result::Err(#error::DecodeError::EmptyEnum { type_name: #type_name }));
    };
    let arms = data.variants.iter().enumerate().map(|(index, variant)| {
        let (name, index) = (&variant.ident, index as u32);
        let value = decode_fields(&quote!(Self::#name), &variant.fields, at);
        quote!(#index => #value,)
    });
    quote! {
        match <u32 as #at::bincode::Decode<__D::Context>>::decode(__decoder)? {
            #(#arms)*
            found => ::core::result::Result::Err(#error::DecodeError::UnexpectedVariant {
                found,
                type_name: #type_name,
                allowed: &#error::AllowedEnumVariants::Range { min: 0, max: #max },
            }),
        }
    }
}

fn decode_fields(path: &TokenStream, fields: &Fields, at: &TokenStream) -> TokenStream {
    let takes = fields.iter().map(|field| take(&field.ty, at));
    let value = match fields {
        Fields::Named(named) => {
            let names = named.named.iter().map(|field| &field.ident);
            quote!(#path { #(#names: #takes),* })
        }
        Fields::Unnamed(_) => quote!(#path(#(#takes),*)),
        Fields::Unit => path.clone(),
    };
    quote!(::core::result::Result::Ok(#value))
}

fn put(ty: &syn::Type, value: &TokenStream, at: &TokenStream) -> TokenStream {
    quote_spanned!(ty.span()=> (&#at::field::Field::<#ty>::AT).put(#value, __encoder)?;)
}

fn take(ty: &syn::Type, at: &TokenStream) -> TokenStream {
    quote_spanned!(ty.span()=> (&#at::field::Field::<#ty>::AT).take(__decoder)?)
}

/// Names for the fields of a variant that no field of an author can clash with.
fn locals(fields: &Fields) -> Vec<Ident> {
    (0..fields.len()).map(|index| format_ident!("__field{index}", span = Span::mixed_site())).collect()
}
