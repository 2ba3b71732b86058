//! The grammar of a table. What it refuses, it refuses on the token, saying what to write.
use crate::table::{Exit, ExitKind, Pause, Row, Table, Trigger, Was, last, text};
use std::time::Duration;
use syn::{
    Error, Ident, LitFloat, LitInt, Path, Result, Token, braced,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token::Paren,
};

const ROWS: &str = "a row reads `S -> T | U;`, `S on Event -> T;`, `S after 10m -> T;`, `S asks Request -> T;`, \
                    `start S;`, `end S, T;`, `stop -> S;`, `serves Request;`, `was old::S => S;` or `lap S;`";
const UNITS: &str = "write a whole number of `ms`, `s`, `m`, `h` or `d`, as in `10m`";

impl Parse for Table {
    fn parse(input: ParseStream<'_>) -> Result<Table> {
        let attrs = input.call(syn::Attribute::parse_outer)?;
        let vis = input.parse()?;
        let head: Ident = input.parse()?;
        if head != "graph" {
            return Err(Error::new(head.span(), "a table begins with `graph Name(Env) v1 { .. }`"));
        }
        let name = input.parse()?;
        let env = if input.peek(Paren) { Some(environment(input)?) } else { None };
        let version = version(input)?;
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
        };
        let body;
        braced!(body in input);
        while !body.is_empty() {
            table.line(&body)?;
            body.parse::<Token![;]>()?;
        }
        if !input.is_empty() {
            return Err(input.error("one `graph!` holds one table"));
        }
        Ok(table)
    }
}

impl Table {
    /// One line of the body, without its semicolon.
    fn line(&mut self, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(ROWS));
        }
        let arrow_follows = input.peek2(Token![->]);
        let word = input.fork().call(Ident::parse_any)?.to_string();
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
                self.was.push(Was { old, new: bare(input)? });
            }
            "stop" => self.exit_line(input, ExitKind::Stop)?,
            "cancel" => self.exit_line(input, ExitKind::Cancel)?,
            "fault" => self.exit_line(input, ExitKind::Fault)?,
            "exhausted" => self.exit_line(input, ExitKind::Exhausted)?,
            _ => self.rows.push(row(input)?),
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

fn row(input: ParseStream<'_>) -> Result<Row> {
    let from = bare(input)?;
    let trigger = if input.peek(Token![->]) { Trigger::Entered } else { trigger(input)? };
    input.parse::<Token![->]>()?;
    let to = listed(input, |input| input.parse::<Option<Token![|]>>().map(|t| t.is_some()))?;
    Ok(Row { from, trigger, to })
}

fn trigger(input: ParseStream<'_>) -> Result<Trigger> {
    let word: Ident = input.parse().map_err(|e| Error::new(e.span(), ROWS))?;
    match word.to_string().as_str() {
        "on" => Ok(Trigger::On(input.call(Path::parse_mod_style)?)),
        "after" => Ok(Trigger::After(pause(input)?)),
        "asks" => {
            let each = input.fork().parse::<Ident>().is_ok_and(|ident| ident == "each");
            if each && !input.peek2(Token![->]) && !input.peek2(Token![::]) {
                let each: Ident = input.parse()?;
                let message = "`asks each` is not offered yet: ask one child with `S asks Request -> ..;`";
                return Err(Error::new(each.span(), message));
            }
            Ok(Trigger::Asks(input.call(Path::parse_mod_style)?))
        }
        _ => Err(Error::new(word.span(), ROWS)),
    }
}

fn pause(input: ParseStream<'_>) -> Result<Pause> {
    if input.peek(Token![self]) {
        let message = "`after self.due` is not offered yet: write the time in the row, as in `after 10m`";
        return Err(Error::new(input.parse::<Token![self]>()?.span, message));
    }
    if input.peek(LitFloat) {
        return Err(input.error(UNITS));
    }
    let literal: LitInt = input.parse().map_err(|e| Error::new(e.span(), UNITS))?;
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
    Ok(Pause { span: Duration::from_millis(millis), text: literal.to_string() })
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

fn version(input: ParseStream<'_>) -> Result<u32> {
    let word: Ident = input.parse().map_err(|e| Error::new(e.span(), "a graph has a version: write `v1`"))?;
    let number = word.to_string().strip_prefix('v').and_then(|digits| digits.parse().ok());
    number
        .filter(|version| *version > 0)
        .ok_or_else(|| Error::new(word.span(), "a graph has a version: write `v1`"))
}
