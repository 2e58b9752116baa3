use proc_macro2::{Group, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{AttrStyle, Attribute, Expr, LitStr, Path, Type, parse_quote};

use super::model::Locked;
use super::output::Output;
use crate::arguments::placeholders::{self, Name};
use crate::function::{Function, impl_trait};
use crate::local::local;
use crate::span::respan;
use crate::value::{Text, Value};

/// The fn, which asks for the lock before it does its work.
pub(super) fn expand(locked: &Locked, function: Function, output: &Output) -> TokenStream {
    let library = &locked.library;
    let [config, executor] = ["config", "executor"].map(local);
    let (config_value, executor_value) = (config_of(locked), executor_of(locked));
    let function = with_work(library, function, output, |work| {
        quote! {
            // First, as the work takes the arguments along.
            let #config = #config_value;
            let #executor = #executor_value;
            #library::LockExecutor::run(&#executor, #config, #work).await
        }
    });
    function.into_token_stream()
}

/// The fn with the type that it was to have, so that no other error follows from the ones that are
/// told.
pub(super) fn expand_wrong(
    locked: &Locked,
    function: Function,
    output: &Output,
    errors: &TokenStream,
) -> TokenStream {
    let library = &locked.library;
    let function = with_work(
        library,
        function,
        output,
        |work| quote!(::core::result::Result::Ok(#library::Outcome::Ran((#work).await))),
    );
    quote!(#function #errors)
}

/// Makes the fn's body a future, and the fn do with it what `wrap` says.
fn with_work(
    library: &Path,
    mut function: Function,
    output: &Output,
    wrap: impl FnOnce(TokenStream) -> TokenStream,
) -> Function {
    let (inner_attributes, mut body) = split_body(&function.body);
    let body = match output {
        Output::Awaited(ty) => {
            let wrapped = wrap(work(ty, &body));
            quote!({ #wrapped })
        }
        // The body is an expression of a future already.
        Output::Boxed(_) => {
            // As generated code, whose braces no lint calls unnecessary.
            body.set_span(Span::call_site().located_at(body.span()));
            let wrapped = wrap(body.into_token_stream());
            quote!({ ::std::boxed::Box::pin(async move { #wrapped }) })
        }
    };
    function.body = parse_quote!(#body);
    function.attributes.extend(inner_attributes);
    function.signature.output = output.wrapped(&function.signature.output, library);
    function
}

/// The body as a future of `ty`: told first, so that `?`, `return` and literals mean what they mean
/// in a fn.
///
/// The body stays as it is, so that lints see what the user wrote: no statement comes before its
/// items. It is in a `match`, as elsewhere its braces would be called unnecessary.
fn work(ty: &Type, body: &Group) -> TokenStream {
    let result = local("result");
    let hint = impl_trait(ty).is_none().then(|| {
        quote! {
            if let ::core::option::Option::Some(#result) = ::core::option::Option::None::<#ty> {
                return #result;
            }
        }
    });
    quote! {
        async move {
            #hint
            match () { () => #body }
        }
    }
}

/// The attributes inside of the fn's body, which belong to the fn, and the rest.
fn split_body(body: &Group) -> (Vec<Attribute>, Group) {
    let split = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_inner)?;
        Ok((attributes, input.parse::<TokenStream>()?))
    };
    let Ok((mut attributes, rest)) = split.parse2(body.stream()) else {
        return (Vec::new(), body.clone());
    };
    for attribute in &mut attributes {
        attribute.style = AttrStyle::Outer;
    }
    let mut group = Group::new(body.delimiter(), rest);
    group.set_span(body.span());
    (attributes, group)
}

fn config_of(locked: &Locked) -> TokenStream {
    let library = &locked.library;
    let name = locked.name.as_ref().map(name_of);
    let at_most = &locked.lease.at_most;
    let at_least = locked
        .lease
        .at_least
        .as_ref()
        .map(|at_least| quote!(.at_least(#at_least)?));
    quote!(#library::LockConfig::new(#name, #at_most)? #at_least)
}

/// The lock's name, borrowed from the arguments where it is one of them.
fn name_of(name: &Text) -> TokenStream {
    match name {
        Value::Literal(literal) => match placeholders::parse(&literal.value()) {
            Ok(Name::Fixed(name)) => LitStr::new(&name, literal.span()).into_token_stream(),
            Ok(Name::Formatted(_)) | Err(_) => quote!(::std::format!(#literal)),
        },
        Value::Expression(expression) => respan(expression, quote!(&(#expression))),
    }
}

fn executor_of(locked: &Locked) -> TokenStream {
    let library = &locked.library;
    let provider = locked.provider.as_ref().map(without_reference);
    // What is wrong with the provider is told at its expression, by whichever call.
    let at_provider = |call| respan(&provider, call);
    let borrowed = at_provider(quote!(&(#provider)));
    let clone = at_provider(quote!(::core::clone::Clone::clone(#borrowed)));
    let executor = at_provider(quote!(#library::__private::IntoExecutor::into_executor(#clone)));
    // What the attribute does not say is as the executor has it.
    let keep_alive = locked
        .lease
        .keep_alive
        .as_ref()
        .map(|keep_alive| quote!(.keep_alive(#keep_alive)));
    let on_lost = locked.lease.on_lost.as_ref().map(|on_lost| {
        let on_lost = on_lost.expand(&quote!(#library::OnLost));
        quote!(.on_lost(#on_lost))
    });
    quote!(#executor #keep_alive #on_lost)
}

/// `&self.locks` is as good as `self.locks`: it is borrowed and cloned anyway.
fn without_reference(provider: &Expr) -> &Expr {
    match provider {
        Expr::Reference(reference) => &reference.expr,
        other => other,
    }
}
