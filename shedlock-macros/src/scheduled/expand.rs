use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{FnArg, Ident, LitStr, ReturnType, Type};

use super::model::Scheduled;
use crate::function::Function;
use crate::local::local;
use crate::span::respan;

/// The fn as it was, a type of the same name that stands for its job, and the job's registration.
pub(super) fn expand(scheduled: &Scheduled, function: &Function) -> TokenStream {
    let library = &scheduled.library;
    let name = &function.signature.ident;
    let stand_in = stand_in(function);
    let job = job(scheduled, function);
    quote! {
        #function
        #stand_in
        const _: () = {
            impl #library::ScheduledJob for #name {
                fn job() -> #library::Job {
                    #job
                }
            }
            #library::__private::inventory::submit! {
                #library::__private::Registration::new(<#name as #library::ScheduledJob>::job)
            }
        };
    }
}

/// The same names, so that no other error follows from the ones that are told.
pub(super) fn expand_wrong(
    scheduled: &Scheduled,
    function: &Function,
    errors: &TokenStream,
) -> TokenStream {
    if function.signature.receiver().is_some() {
        // It stands in an impl, where a type cannot.
        return quote!(#function #errors);
    }
    let library = &scheduled.library;
    let name = &function.signature.ident;
    let stand_in = stand_in(function);
    quote! {
        #function
        #stand_in
        const _: () = {
            impl #library::ScheduledJob for #name {
                fn job() -> #library::Job {
                    ::core::unreachable!()
                }
            }
        };
        #errors
    }
}

/// A struct with braces takes the name among the types only, so the fn keeps it among the values,
/// and one `use` brings both.
///
/// No lint is switched off, as a crate may forbid that.
fn stand_in(function: &Function) -> TokenStream {
    let visibility = &function.visibility;
    let mut name = function.signature.ident.clone();
    // As generated code, whose small letters no lint minds.
    name.set_span(Span::call_site().located_at(name.span()));
    let doc = format!("The job of the fn `{name}`, for `Scheduler::builder(..).job::<{name}>()`.");
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #visibility struct #name {}
    }
}

fn job(scheduled: &Scheduled, function: &Function) -> TokenStream {
    let library = &scheduled.library;
    let fn_name = &function.signature.ident;
    let name = match &scheduled.name {
        Some(name) => name.to_token_stream(),
        None => LitStr::new(&fn_name.unraw().to_string(), fn_name.span()).to_token_stream(),
    };
    let run = local("run");
    let types: Vec<_> = injected(function).collect();
    let values: Vec<_> = (0..types.len())
        .map(|n| local(format_args!("argument_{n}")))
        .collect();
    let settings = settings(scheduled);
    // A fn that is used as a value has to be async, also to lints, though it may await nothing.
    let work = local("work");
    let call = quote! {
        #library::Job::new(#name, |#run: #library::Run| {
            #(let #values = <#types as #library::FromRun>::from_run(&#run);)*
            async move {
                let #work = #fn_name;
                #work(#(#values),*).await
            }
        })
    };
    // What is wrong with the result, or with the future, is told at the type of the result.
    let job = match &function.signature.output {
        ReturnType::Default => respan(fn_name, call),
        ReturnType::Type(_, ty) => respan(ty, call),
    };
    let named = local("job");
    // A fn that is deprecated is used all the same, and what it may use, its job may as well. Not
    // elsewhere, as a crate may forbid to allow it.
    let allow = function
        .mentions("deprecated")
        .then(|| quote!(#[allow(deprecated)]));
    quote! {
        #allow
        let #named = #job #(.needs::<#types>())*;
        #named #settings
    }
}

fn injected(function: &Function) -> impl Iterator<Item = &Type> {
    function
        .signature
        .inputs
        .iter()
        .filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(&*argument.ty),
            FnArg::Receiver(_) => None,
        })
}

fn settings(scheduled: &Scheduled) -> TokenStream {
    let library = &scheduled.library;
    let Scheduled {
        cron,
        every,
        zone,
        lock,
        lease,
        provider,
        ..
    } = scheduled;
    let misfire = scheduled
        .misfire
        .as_ref()
        .map(|misfire| misfire.expand(&quote!(#library::Misfire)));
    let on_lost = lease
        .on_lost
        .as_ref()
        .map(|on_lost| on_lost.expand(&quote!(#library::OnLost)));
    let setters = [
        setter("cron", cron),
        setter("every", every),
        setter("zone", zone),
        setter("lock", lock),
        setter("at_least", &lease.at_least),
        setter("at_most", &lease.at_most),
        setter("keep_alive", &lease.keep_alive),
        setter("on_lost", &on_lost),
        setter("misfire", &misfire),
        setter("provider", provider),
    ];
    setters.into_iter().flatten().collect()
}

/// The call of the job's setter, if there is a value for it.
fn setter(name: &str, value: &Option<impl ToTokens>) -> Option<TokenStream> {
    let value = value.as_ref()?;
    let name = Ident::new(name, Span::call_site());
    Some(respan(value, quote!(.#name(#value))))
}
