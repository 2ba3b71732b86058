//! Reads `#[tool]` and its function, and refuses on the token that is wrong.
use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, LitInt, Meta, Pat, PatType, Path, Result,
    ReturnType, Token, Type, TypeReference, parse::ParseStream,
};

/// What a call can do at worst: as written, and as the variant of `domain::Tier`.
const TIERS: [(&str, &str); 4] = [
    ("read_only", "ReadOnly"),
    ("workspace", "Workspace"),
    ("side_effecting", "SideEffecting"),
    ("privileged", "Privileged"),
];
/// What a restart may do: as written, and as the variant of `domain::Recovery`.
const RECOVERIES: [(&str, &str); 5] = [
    ("pure", "Pure"),
    ("keyed", "Keyed"),
    ("guest_local", "GuestLocal"),
    ("probeable", "Probeable"),
    ("opaque", "Opaque"),
];
/// Nobody waits longer for one call.
const TIMEOUT_SECONDS_MAX: u64 = 3600;

/// A tool as its author wrote it.
pub(crate) struct Tool {
    pub(crate) description: String,
    pub(crate) tier: Ident,
    pub(crate) recovery: Ident,
    /// The module that says whether a call happened; there is one when a restart asks.
    pub(crate) probe: Option<Path>,
    pub(crate) timeout_seconds: u64,
    pub(crate) parameters: Vec<Parameter>,
}

/// An argument of the call.
pub(crate) struct Parameter {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) description: String,
}

pub(crate) fn tool(options: TokenStream, function: &mut ItemFn) -> Result<Tool> {
    check_signature(function)?;
    let Options { tier, recovery, probe, timeout_seconds } =
        syn::parse::Parser::parse2(parse_options, options)?;
    let description = doc(&function.attrs);
    if description.is_empty() {
        return Err(Error::new(
            function.sig.ident.span(),
            "the model needs to know what this tool does: write a doc comment",
        ));
    }
    let parameters = function.sig.inputs.iter_mut().skip(1).map(parameter).collect::<Result<_>>()?;
    Ok(Tool { description, tier, recovery, probe, timeout_seconds, parameters })
}

fn check_signature(function: &ItemFn) -> Result<()> {
    let sig = &function.sig;
    if sig.asyncness.is_none() {
        return Err(Error::new(
            sig.fn_token.span,
            "a tool is asynchronous, so that it can be cancelled: write `async fn`",
        ));
    }
    if !sig.generics.params.is_empty() {
        return Err(Error::new(
            sig.generics.span(),
            "a tool has one schema: write a type instead of a parameter",
        ));
    }
    if matches!(sig.output, ReturnType::Default) {
        return Err(Error::new(
            sig.ident.span(),
            "a tool tells the model something: return `Result<String, Failure>`",
        ));
    }
    match sig.inputs.first() {
        Some(FnArg::Typed(context)) if is_context(&context.ty) => Ok(()),
        Some(FnArg::Receiver(receiver)) => {
            Err(Error::new(receiver.span(), "a tool is a free function: remove `self`"))
        }
        Some(FnArg::Typed(other)) => {
            Err(Error::new(other.pat.span(), "the first parameter of a tool is `context: &Context`"))
        }
        None => Err(Error::new(sig.ident.span(), "the first parameter of a tool is `context: &Context`")),
    }
}

fn is_context(ty: &Type) -> bool {
    let Type::Reference(TypeReference { elem, mutability: None, .. }) = ty else { return false };
    matches!(&**elem, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Context"))
}

/// Takes the doc comment off a parameter: the compiler accepts none there.
fn parameter(input: &mut FnArg) -> Result<Parameter> {
    let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else {
        return Err(Error::new(input.span(), "a tool is a free function: remove `self`"));
    };
    let Pat::Ident(name) = &**pat else {
        return Err(Error::new(pat.span(), "the model names its arguments: write a plain name"));
    };
    let wrong = match &**ty {
        Type::Reference(_) => Some("an argument is owned: write `String` or `Vec<T>`"),
        Type::ImplTrait(_) | Type::TraitObject(_) => Some("an argument has one schema: write a type"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        return Err(Error::new(ty.span(), wrong));
    }
    let description = doc(attrs);
    if description.is_empty() {
        return Err(Error::new(
            name.span(),
            "the model needs to know what this argument means: write a doc comment above it",
        ));
    }
    attrs.retain(|attr| !attr.path().is_ident("doc"));
    Ok(Parameter { name: name.ident.clone(), ty: (**ty).clone(), description })
}

/// The text of a doc comment: lines of a paragraph joined, paragraphs apart.
fn doc(attrs: &[Attribute]) -> String {
    let line = |attr: &Attribute| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    };
    let lines: Vec<String> = attrs.iter().filter_map(line).collect();
    let paragraphs = lines.split(String::is_empty).filter(|lines| !lines.is_empty());
    paragraphs.map(|lines| lines.join(" ")).collect::<Vec<_>>().join("\n\n")
}

struct Options {
    tier: Ident,
    recovery: Ident,
    probe: Option<Path>,
    timeout_seconds: u64,
}

fn parse_options(input: ParseStream<'_>) -> Result<Options> {
    let (mut tier, mut recovery, mut probe, mut timeout) = (None, None, None, None);
    while !input.is_empty() {
        let key: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        match key.to_string().as_str() {
            "tier" => tier = Some(one_of(input, &TIERS)?),
            "recovery" => recovery = Some(one_of(input, &RECOVERIES)?),
            "probe" => probe = Some(input.call(Path::parse_mod_style)?),
            "timeout" => timeout = Some(seconds(input)?),
            _ => {
                let known =
                    "a tool has a `tier`, a `recovery`, a `timeout`, and a `probe` when it is `probeable`";
                return Err(Error::new(key.span(), known));
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    let missing = |what| move || Error::new(Span::call_site(), what);
    let tier =
        tier.ok_or_else(missing("say what a call can do at worst: `tier = read_only`, `workspace`, …"))?;
    let recovery =
        recovery.ok_or_else(missing("say what a restart may do: `recovery = pure`, `keyed`, …"))?;
    let timeout_seconds = timeout.ok_or_else(missing("say how long a call may take: `timeout = 15s`"))?;
    if recovery == "Pure" && tier != "ReadOnly" {
        return Err(Error::new(
            recovery.span(),
            "a tool that changes something cannot simply be run again: say `keyed`, `probeable` or `opaque`",
        ));
    }
    match &probe {
        None if recovery == "Probeable" => Err(Error::new(
            recovery.span(),
            "a restart asks whether the call happened: say `probe = a_module` that has `evidence` and `probe`",
        )),
        Some(probe) if recovery != "Probeable" => Err(Error::new(
            probe.span(),
            "nobody asks this tool whether a call happened: say `recovery = probeable`, or leave `probe` out",
        )),
        Some(_) | None => Ok(Options { tier, recovery, probe, timeout_seconds }),
    }
}

fn one_of(input: ParseStream<'_>, allowed: &[(&str, &str)]) -> Result<Ident> {
    let written: Ident = input.parse()?;
    if let Some((_, variant)) = allowed.iter().find(|(name, _)| written == name) {
        return Ok(Ident::new(variant, written.span()));
    }
    let names: Vec<String> = allowed.iter().map(|(name, _)| format!("`{name}`")).collect();
    Err(Error::new(written.span(), format!("write one of {}", names.join(", "))))
}

fn seconds(input: ParseStream<'_>) -> Result<u64> {
    let written: LitInt = input.parse()?;
    let wrong = || Error::new(written.span(), "write whole seconds, at most an hour: `15s`");
    let seconds: u64 = written.base10_parse().map_err(|_| wrong())?;
    let fits = written.suffix() == "s" && (1..=TIMEOUT_SECONDS_MAX).contains(&seconds);
    fits.then_some(seconds).ok_or_else(wrong)
}
