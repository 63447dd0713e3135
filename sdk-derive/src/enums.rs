//! Enums: of words, and of variants with fields that a tag tells apart.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Variant};

use crate::attributes::{Case, Container, Item};
use crate::structs::{count, members, properties};

pub(crate) fn expand(input: &DeriveInput, data: &DataEnum) -> syn::Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    match &container.tag {
        Some(tag) => tagged(input, data, tag, container.rename_all),
        None => words(input, data, container.rename_all),
    }
}

/// Every variant is a word.
fn words(input: &DeriveInput, data: &DataEnum, case: Option<Case>) -> syn::Result<TokenStream> {
    let mut names = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                "an enum whose variants have fields needs #[serde(tag = \"..\")]: the property that names the variant",
            ));
        }
        names.push(name(variant, &Item::read(&variant.attrs)?, case));
    }
    let variants = data.variants.iter().map(|variant| &variant.ident);
    let name = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::melisma_sdk::record::Field for #name #arguments #conditions {
            fn schema() -> ::melisma_sdk::record::private::Value {
                ::melisma_sdk::record::private::words(&[#(#names),*])
            }

            #[inline]
            fn write<__S: ::melisma_sdk::record::private::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                serializer.serialize_str(match self {
                    #(Self::#variants => #names,)*
                })
            }
        }
    })
}

/// One object with the properties of all variants.
fn tagged(input: &DeriveInput, data: &DataEnum, tag: &str, case: Option<Case>) -> syn::Result<TokenStream> {
    let mut schemas = Vec::new();
    let mut arms = Vec::new();
    for variant in &data.variants {
        let item = Item::read(&variant.attrs)?;
        let (word, ident) = (name(variant, &item, case), &variant.ident);
        let members = match &variant.fields {
            Fields::Named(fields) => members(fields, item.rename_all)?,
            Fields::Unit => Vec::new(),
            Fields::Unnamed(_) => {
                return Err(Error::new_spanned(
                    variant,
                    "a variant of a Record has named fields, or none",
                ));
            }
        };
        let (properties, count) = (properties(&members), count(&members));
        schemas.push(quote!((#word, #properties)));
        let fields = members.iter().map(|member| member.field);
        let writes = members.iter().map(|member| {
            let field = member.field;
            member.write(&quote!(#field))
        });
        arms.push(quote! {
            Self::#ident { #(#fields,)* .. } => {
                let mut members = serializer.serialize_struct(NAME, #count + 1)?;
                ::melisma_sdk::record::private::SerializeStruct::serialize_field(&mut members, #tag, #word)?;
                {
                    let members = &mut members;
                    #(#writes)*
                    let _ = members;
                }
                ::melisma_sdk::record::private::SerializeStruct::end(members)
            }
        });
    }
    let name = &input.ident;
    let text = name.to_string();
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::melisma_sdk::record::Field for #name #arguments #conditions {
            fn schema() -> ::melisma_sdk::record::private::Value {
                ::melisma_sdk::record::private::variants(#tag, ::std::vec![#(#schemas),*])
            }

            #[inline]
            fn write<__S: ::melisma_sdk::record::private::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                const NAME: &str = #text;
                match self {
                    #(#arms)*
                }
            }
        }
    })
}

fn name(variant: &Variant, item: &Item, case: Option<Case>) -> String {
    let own = variant.ident.to_string();
    item.rename
        .clone()
        .unwrap_or_else(|| case.map_or_else(|| own.clone(), |case| case.of_variant(&own)))
}
