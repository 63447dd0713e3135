//! Structs with named fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Field, FieldsNamed, Ident};

use crate::attributes::{Case, Container, Item};

pub(crate) fn expand(input: &DeriveInput, fields: &FieldsNamed) -> syn::Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    if container.tag.is_some() {
        return Err(syn::Error::new_spanned(
            &input.ident,
            "the tag of a struct is not supported: give it a field",
        ));
    }
    let members = members(fields, container.rename_all)?;
    let (properties, count) = (properties(&members), count(&members));
    let writes = members.iter().map(|member| {
        let field = &member.field;
        member.write(&quote!(&self.#field))
    });
    let name = &input.ident;
    let text = name.to_string();
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    let all: Vec<&Ident> = fields
        .named
        .iter()
        .filter_map(|field| field.ident.as_ref())
        .collect();
    Ok(quote! {
        // A tap that writes records as they come has the struct for its schema alone. Without this, the compiler would warn
        // that nobody makes one.
        const _: () = {
            #[allow(dead_code)]
            fn make #generics (value: #name #arguments) -> #name #arguments #conditions {
                let #name { #(#all),* } = value;
                #name { #(#all),* }
            }
        };

        #[automatically_derived]
        impl #generics ::melisma_sdk::record::Record for #name #arguments #conditions {
            const COUNT: usize = #count;

            fn properties() -> ::melisma_sdk::record::Properties {
                #properties
            }

            #[inline]
            fn write_members<__S: ::melisma_sdk::record::private::SerializeStruct>(
                &self,
                members: &mut __S,
            ) -> ::core::result::Result<(), __S::Error> {
                #(#writes)*
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl #generics ::melisma_sdk::record::Field for #name #arguments #conditions {
            fn schema() -> ::melisma_sdk::record::private::Value {
                <Self as ::melisma_sdk::record::Record>::properties().schema()
            }

            #[inline]
            fn write<__S: ::melisma_sdk::record::private::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                ::melisma_sdk::record::private::write(#text, self, serializer)
            }
        }
    })
}

/// A field that is written.
pub(crate) struct Member<'a> {
    pub(crate) field: &'a Ident,
    name: String,
    of: &'a Field,
    item: Item,
}

/// The fields that are written, each with its name in the record.
pub(crate) fn members(fields: &FieldsNamed, case: Option<Case>) -> syn::Result<Vec<Member<'_>>> {
    let mut members = Vec::new();
    for of in &fields.named {
        let item = Item::read(&of.attrs)?;
        let Some(field) = of.ident.as_ref().filter(|_| !item.skip) else {
            continue;
        };
        let own = field.to_string();
        let own = own.strip_prefix("r#").unwrap_or(&own);
        let name = item
            .rename
            .clone()
            .unwrap_or_else(|| case.map_or_else(|| own.to_owned(), |case| case.of_field(own)));
        members.push(Member {
            field,
            name,
            of,
            item,
        });
    }
    Ok(members)
}

/// An expression of the properties that these fields are.
pub(crate) fn properties(members: &[Member<'_>]) -> TokenStream {
    let adds = members.iter().map(|member| {
        let (name, of) = (&member.name, &member.of.ty);
        if member.item.flatten {
            return quote!(properties.flatten(<#of as ::melisma_sdk::record::Record>::properties()););
        }
        let property = if member.item.by_serde {
            quote!(::melisma_sdk::record::private::Property::by_serde::<#of>())
        } else {
            quote!(::melisma_sdk::record::private::Property::of::<#of>())
        };
        let format = member.item.format.iter().map(|format| quote!(.format(#format)));
        let description = member
            .item
            .description
            .iter()
            .map(|text| quote!(.description(#text)));
        let may_skip = member.item.skip_if.iter().map(|_| quote!(.may_be_absent()));
        quote!(properties.add(#name, #property #(#format)* #(#description)* #(#may_skip)*);)
    });
    quote! {{
        let mut properties = ::melisma_sdk::record::Properties::default();
        #(#adds)*
        properties
    }}
}

/// How many members are written at most.
pub(crate) fn count(members: &[Member<'_>]) -> TokenStream {
    let counts = members.iter().map(|member| {
        let of = &member.of.ty;
        if member.item.flatten {
            quote!(<#of as ::melisma_sdk::record::Record>::COUNT)
        } else {
            quote!(1)
        }
    });
    quote!(0 #(+ #counts)*)
}

impl Member<'_> {
    /// A statement that writes it; `value` is a reference to it.
    pub(crate) fn write(&self, value: &TokenStream) -> TokenStream {
        let (name, of) = (&self.name, &self.of.ty);
        if self.item.flatten {
            return quote!(<#of as ::melisma_sdk::record::Record>::write_members(#value, members)?;);
        }
        let written = if self.item.by_serde {
            quote!(#value)
        } else {
            quote!(&::melisma_sdk::record::private::Written(#value))
        };
        let write = quote! {
            ::melisma_sdk::record::private::SerializeStruct::serialize_field(members, #name, #written)?;
        };
        match &self.item.skip_if {
            Some(skips) => quote! {
                if #skips(#value) {
                    ::melisma_sdk::record::private::SerializeStruct::skip_field(members, #name)?;
                } else {
                    #write
                }
            },
            None => write,
        }
    }
}
