//! The grammar of a table. What it refuses, it refuses on the token, saying what to write.
use crate::{
    near::is_near,
    table::{Exit, ExitKind, Pause, Row, Table, Trigger, Unread, Was, When, last, text},
};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::time::Duration;
use syn::{
    Error, Ident, Index, LitFloat, LitInt, Path, Result, Token, braced,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token::{Brace, Paren},
};

const ROWS: &str = "a row reads `S -> T | U;`, `S on Event -> T;`, `S after 10m -> T;`, `S asks Request -> T;`, \
                    `start S;`, `end S, T;`, `stop -> S;`, `serves Request;`, `was old::S => S;` or `lap S;`";
/// What a line can begin with, other than a state.
const WORDS: [&str; 9] = ["start", "end", "serves", "lap", "was", "stop", "cancel", "fault", "exhausted"];
/// What can stand between a state and its arrow.
const TRIGGERS: [&str; 3] = ["on", "after", "asks"];
const UNITS: &str = "write a whole number of `ms`, `s`, `m`, `h` or `d`, as in `10m`, or a field of the state, as in `self.due`";
const SAID: &str =
    "name a field of the state, or a method without arguments: `after self.due` or `after self.due()`";

impl Parse for Table {
    fn parse(input: ParseStream<'_>) -> Result<Table> {
        let attrs = input.call(syn::Attribute::parse_outer)?;
        let vis = input.parse()?;
        let mut unread = Unread::default();
        let head: Ident = input.parse()?;
        if head != "graph" {
            unread.errors.push(Error::new(head.span(), "a table begins with `graph Name(Env) v1 { .. }`"));
        }
        let name = input.parse()?;
        let env = if input.peek(Paren) { Some(environment(input)?) } else { None };
        let version = version(input, &mut unread)?;
        let mut table = Table {
            attrs,
            vis,
            name,
            env,
            version,
            starts: vec![],
            rows: vec![],
            ends: vec![],
            exits: vec![],
            serves: vec![],
            was: vec![],
            laps: vec![],
            unread,
        };
        let body;
        braced!(body in input);
        while !body.is_empty() {
            table.line_or_skip(&body)?;
        }
        if !input.is_empty() {
            return Err(input.error("one `graph!` holds one table"));
        }
        Ok(table)
    }
}

impl Table {
    /// One line of the body. One that cannot be read is kept as an error, and the next one is read.
    fn line_or_skip(&mut self, input: ParseStream<'_>) -> Result<()> {
        let head = input
            .fork()
            .call(Path::parse_mod_style)
            .ok()
            .filter(|head| !WORDS.contains(&text(head).as_str()));
        if let Err(error) = self.line(input) {
            self.unread.errors.push(error);
            self.unread.lost = true;
            self.unread.heads.extend(head);
        } else if let Err(error) = input.parse::<Token![;]>() {
            self.unread.errors.push(error);
            if input.is_empty() || input.peek(Ident::peek_any) {
                return Ok(()); // only the semicolon is missing
            }
            self.unread.lost = true;
        } else {
            return Ok(());
        }
        while !input.is_empty() && input.parse::<Option<Token![;]>>()?.is_none() {
            input.parse::<TokenTree>()?;
        }
        Ok(())
    }

    /// The word that a line begins with, or the one that was meant.
    fn word(&mut self, input: ParseStream<'_>) -> Result<String> {
        let ahead = input.fork();
        let word = ahead.call(Ident::parse_any)?;
        let told = word.to_string();
        if WORDS.contains(&told.as_str()) {
            return Ok(told);
        }
        let row = ahead.peek(Token![->])
            || ahead.parse::<Ident>().is_ok_and(|next| slip(&next, &TRIGGERS).is_some());
        if row {
            return Ok(told);
        }
        let Some(meant) = slip(&word, &WORDS) else { return Ok(told) };
        self.unread.slipped(&word, meant);
        Ok(meant.to_string())
    }

    /// One line of the body, without its semicolon.
    fn line(&mut self, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(ROWS));
        }
        let arrow_follows = input.peek2(Token![->]);
        let word = self.word(input)?;
        match word.as_str() {
            "start" if !arrow_follows => {
                input.parse::<Ident>()?;
                self.starts.push(bare(input)?);
            }
            "end" if !arrow_follows => {
                input.parse::<Ident>()?;
                self.ends
                    .extend(listed(input, |input| input.parse::<Option<Token![,]>>().map(|t| t.is_some()))?);
            }
            "serves" if !arrow_follows => {
                input.parse::<Ident>()?;
                self.serves.push(input.call(Path::parse_mod_style)?);
            }
            "lap" if !arrow_follows => {
                input.parse::<Ident>()?;
                self.laps.push(bare(input)?);
            }
            "was" if !arrow_follows => {
                input.parse::<Ident>()?;
                let old = input.call(Path::parse_mod_style)?;
                input.parse::<Token![=>]>()?;
                self.was.push(Was { old, new: input.call(Path::parse_mod_style)? });
            }
            "stop" => self.exit_line(input, ExitKind::Stop)?,
            "cancel" => self.exit_line(input, ExitKind::Cancel)?,
            "fault" => self.exit_line(input, ExitKind::Fault)?,
            "exhausted" => self.exit_line(input, ExitKind::Exhausted)?,
            _ => {
                let row = row(input, &mut self.unread)?;
                self.rows.push(row);
            }
        }
        Ok(())
    }

    fn exit_line(&mut self, input: ParseStream<'_>, kind: ExitKind) -> Result<()> {
        let at = input.parse()?;
        input.parse::<Token![->]>()?;
        self.exits.push(Exit { kind, at, to: bare(input)? });
        Ok(())
    }
}

fn row(input: ParseStream<'_>, unread: &mut Unread) -> Result<Row> {
    let from = bare(input)?;
    let trigger = if input.peek(Token![->]) { Trigger::Entered } else { trigger(input, unread)? };
    input.parse::<Token![->]>()?;
    let to = listed(input, |input| input.parse::<Option<Token![|]>>().map(|t| t.is_some()))?;
    Ok(Row { from, trigger, to })
}

fn trigger(input: ParseStream<'_>, unread: &mut Unread) -> Result<Trigger> {
    let word: Ident = input.parse().map_err(|e| Error::new(e.span(), ROWS))?;
    let meant = slip(&word, &TRIGGERS).unwrap_or_default();
    unread.slipped(&word, meant);
    match meant {
        "on" => Ok(Trigger::On(input.call(Path::parse_mod_style)?)),
        "after" => Ok(Trigger::After(pause(input, unread)?)),
        "asks" => {
            let each = input.fork().parse::<Ident>().is_ok_and(|ident| ident == "each");
            if each && !input.peek2(Token![->]) && !input.peek2(Token![::]) {
                input.parse::<Ident>()?;
                return Ok(Trigger::AsksEach(input.call(Path::parse_mod_style)?));
            }
            Ok(Trigger::Asks(input.call(Path::parse_mod_style)?))
        }
        _ => Err(Error::new(word.span(), ROWS)),
    }
}

/// A time that cannot be read stands in the table without its length: the row is read all the same.
fn pause(input: ParseStream<'_>, unread: &mut Unread) -> Result<Pause> {
    if input.peek(Token![self]) {
        return said(input, unread);
    }
    if input.peek(LitFloat) {
        unread.errors.push(Error::new(input.parse::<LitFloat>()?.span(), UNITS));
        return Ok(Pause { when: When::Span(Duration::ZERO), text: String::new() });
    }
    let literal: LitInt = input.parse().map_err(|e| Error::new(e.span(), UNITS))?;
    let span = length(&literal).unwrap_or_else(|error| {
        unread.errors.push(error);
        Duration::ZERO
    });
    Ok(Pause { when: When::Span(span), text: literal.to_string() })
}

/// A time that the state says: `self` and the way to one field or method.
fn said(input: ParseStream<'_>, unread: &mut Unread) -> Result<Pause> {
    let itself = input.parse::<Token![self]>()?;
    // The name by which the emitted match knows the state, where the author's `self` stands.
    let mut way = Ident::new("state", itself.span).into_token_stream();
    let mut text = "self".to_owned();
    while let Some(dot) = input.parse::<Option<Token![.]>>()? {
        dot.to_tokens(&mut way);
        if input.peek(LitInt) {
            let field = input.parse::<Index>()?;
            text = format!("{text}.{}", field.index);
            field.to_tokens(&mut way);
            continue;
        }
        let field = input.parse::<Ident>().map_err(|error| Error::new(error.span(), SAID))?;
        text = format!("{text}.{field}");
        field.to_tokens(&mut way);
        if input.peek(Paren) {
            let arguments;
            let paren = parenthesized!(arguments in input);
            if !arguments.is_empty() {
                unread.errors.push(Error::new(arguments.span(), SAID));
                arguments.parse::<TokenStream>()?;
            }
            paren.surround(&mut way, |_| {});
            text.push_str("()");
        }
    }
    if text == "self" {
        unread.errors.push(Error::new(itself.span, SAID));
    }
    Ok(Pause { when: When::Said(way), text })
}

fn length(literal: &LitInt) -> Result<Duration> {
    let refused = |why: &str| Error::new(literal.span(), why);
    let millis: u64 = match literal.suffix() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(refused(UNITS)),
    };
    let count: u64 = literal.base10_parse()?;
    if count == 0 {
        return Err(refused("a timer of no length is a plain row: write `S -> ..;`"));
    }
    let millis = count.checked_mul(millis).ok_or_else(|| refused("no run waits that long"))?;
    Ok(Duration::from_millis(millis))
}

/// The word of `words` that is written here, or of which this is a slip.
fn slip(word: &Ident, words: &[&'static str]) -> Option<&'static str> {
    const LETTERS_MIN: usize = 2; // `on` is the shortest of the words
    let exact = words.iter().find(|known| word == *known);
    exact.or_else(|| words.iter().find(|known| is_near(known, &word.to_string(), LETTERS_MIN))).copied()
}

impl Unread {
    fn slipped(&mut self, word: &Ident, meant: &str) {
        if !meant.is_empty() && word != meant {
            self.errors.push(Error::new(word.span(), format!("did you mean `{meant}`?")));
        }
    }
}

/// A list of bare names; `more` takes the separator, if there is one.
fn listed(input: ParseStream<'_>, more: impl Fn(ParseStream<'_>) -> Result<bool>) -> Result<Vec<Ident>> {
    let mut names = vec![bare(input)?];
    while more(input)? {
        names.push(bare(input)?);
    }
    Ok(names)
}

/// The name of a state: never a path, so that the table reads like the graph.
fn bare(input: ParseStream<'_>) -> Result<Ident> {
    let path = input.call(Path::parse_mod_style)?;
    path.get_ident().cloned().ok_or_else(|| {
        let (full, state) = (text(&path), last(&path));
        Error::new_spanned(
            &path,
            format!("states are named bare here: add `use {full};` and write `{state}`"),
        )
    })
}

fn environment(input: ParseStream<'_>) -> Result<syn::Type> {
    let inner;
    parenthesized!(inner in input);
    let env = inner.parse()?;
    if !inner.is_empty() {
        return Err(inner.error("a graph has one environment: write a struct, or a tuple in parentheses"));
    }
    Ok(env)
}

fn version(input: ParseStream<'_>, unread: &mut Unread) -> Result<u32> {
    const VERSION: &str = "a graph has a version: write `v1`";
    if input.peek(Brace) {
        unread.errors.push(input.error(VERSION));
        return Ok(0);
    }
    let word: TokenTree = input.parse().map_err(|e| Error::new(e.span(), VERSION))?;
    let number = word.to_string().strip_prefix('v').and_then(|digits| digits.parse().ok());
    Ok(number.filter(|version| *version > 0).unwrap_or_else(|| {
        unread.errors.push(Error::new(word.span(), VERSION));
        0
    }))
}
