//! `#[derive(Record)]` of melisma-sdk, which documents and re-exports it.

mod attributes;
mod enums;
mod structs;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, parse_macro_input, parse_quote};

/// Makes a struct or an enum a record, or a column of one: see `melisma_sdk::record`.
#[proc_macro_derive(Record, attributes(record, serde))]
pub fn record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(mut input: DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let bounded = input
        .generics
        .type_params()
        .map(|param| param.ident.clone())
        .collect::<Vec<_>>();
    for param in bounded {
        let clause = input.generics.make_where_clause();
        clause
            .predicates
            .push(parse_quote!(#param: ::melisma_sdk::record::Field));
    }
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => structs::expand(&input, fields)?,
            _ => {
                return Err(Error::new_spanned(
                    &input.ident,
                    "a Record is a struct with named fields, or an enum",
                ));
            }
        },
        Data::Enum(data) => enums::expand(&input, data)?,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a union cannot be a Record")),
    };
    Ok(with_serde(&input, &body))
}

/// The implementations of serde and schemars, which hand over to that of `Field`.
fn with_serde(input: &DeriveInput, body: &proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let name = &input.ident;
    let text = name.to_string();
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    quote! {
        #body

        #[automatically_derived]
        impl #generics ::melisma_sdk::record::private::Serialize for #name #arguments #conditions {
            #[inline]
            fn serialize<__S: ::melisma_sdk::record::private::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                ::melisma_sdk::record::Field::write(self, serializer)
            }
        }

        #[automatically_derived]
        impl #generics ::melisma_sdk::JsonSchema for #name #arguments #conditions {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                #text.into()
            }

            fn json_schema(
                _: &mut ::melisma_sdk::record::private::SchemaGenerator,
            ) -> ::melisma_sdk::record::private::Schema {
                ::melisma_sdk::record::private::schema_of::<Self>()
            }
        }
    }
}
