//! What the fn returns, and what it returns once it may be skipped.

use syn::{
    GenericArgument, Path, PathArguments, ReturnType, Signature, Type, TypeParamBound, parse_quote,
};

/// How the fn is asynchronous, and the type of its result.
pub(super) enum Output {
    /// `async fn`.
    Awaited(Type),
    /// `fn .. -> Pin<Box<dyn Future<Output = ..>>>`: what `#[async_trait]` makes of an `async fn`
    /// before this attribute sees it.
    Boxed(Type),
}

impl Output {
    /// None if the fn is not asynchronous.
    pub(super) fn of(signature: &Signature) -> Option<Self> {
        match (&signature.asyncness, &signature.output) {
            (Some(_), ReturnType::Default) => Some(Self::Awaited(parse_quote!(()))),
            (Some(_), ReturnType::Type(_, ty)) => Some(Self::Awaited((**ty).clone())),
            (None, ReturnType::Default) => None,
            (None, ReturnType::Type(_, ty)) => {
                boxed_output(&mut ty.clone()).map(|ty| Self::Boxed(ty.clone()))
            }
        }
    }

    pub(super) fn ty(&self) -> &Type {
        match self {
            Self::Awaited(ty) | Self::Boxed(ty) => ty,
        }
    }

    /// The return type that also tells whether the fn ran. `output` is what the fn was written
    /// with.
    pub(super) fn wrapped(&self, output: &ReturnType, library: &Path) -> ReturnType {
        let ty = self.ty();
        let wrapped: Type =
            parse_quote!(::core::result::Result<#library::Outcome<#ty>, #library::LockError>);
        let mut output = output.clone();
        match (self, &mut output) {
            (Self::Boxed(_), ReturnType::Type(_, boxed)) => {
                if let Some(inside) = boxed_output(boxed) {
                    *inside = wrapped;
                }
                output
            }
            _ => parse_quote!(-> #wrapped),
        }
    }
}

/// The `R` of a type that is a future of it, as far as its name tells: `impl Future<Output = R>`,
/// `Pin<Box<dyn Future<Output = R>>>`, `BoxFuture<'_, R>`.
pub(super) fn future_output(ty: &Type) -> Option<Type> {
    let mut ty = without_delimiters(ty).clone();
    if let Type::ImplTrait(opaque) = &mut ty {
        return output_of_bounds(opaque.bounds.iter_mut()).cloned();
    }
    ["BoxFuture", "LocalBoxFuture"]
        .iter()
        .find_map(|alias| type_argument(&mut ty, alias).cloned())
        .or_else(|| boxed_output(&mut ty).cloned())
}

/// The `R` of `Pin<Box<dyn Future<Output = R>>>`.
fn boxed_output(ty: &mut Type) -> Option<&mut Type> {
    match type_argument(type_argument(ty, "Pin")?, "Box")? {
        Type::TraitObject(object) => output_of_bounds(object.bounds.iter_mut()),
        _ => None,
    }
}

fn output_of_bounds<'a>(
    mut bounds: impl Iterator<Item = &'a mut TypeParamBound>,
) -> Option<&'a mut Type> {
    bounds.find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            generic_arguments(&mut bound.path, "Future")?.find_map(|argument| match argument {
                GenericArgument::AssocType(output) if output.ident == "Output" => {
                    Some(&mut output.ty)
                }
                _ => None,
            })
        }
        _ => None,
    })
}

/// What a `macro_rules!` macro passes on as `$ty:ty` comes in a group without delimiters.
fn without_delimiters(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => without_delimiters(&group.elem),
        Type::Paren(paren) => without_delimiters(&paren.elem),
        other => other,
    }
}

fn type_argument<'a>(ty: &'a mut Type, name: &str) -> Option<&'a mut Type> {
    let Type::Path(path) = ty else { return None };
    generic_arguments(&mut path.path, name)?.find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// What stands in the angle brackets of a path that ends with `name<..>`.
fn generic_arguments<'a>(
    path: &'a mut Path,
    name: &str,
) -> Option<impl Iterator<Item = &'a mut GenericArgument>> {
    let last = path.segments.last_mut()?;
    match &mut last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == name => {
            Some(arguments.args.iter_mut())
        }
        _ => None,
    }
}
