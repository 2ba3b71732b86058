//! Rules about names: what a table must say, and what it must not say twice.
use super::{Wrong, likely_ends, some_end};
use crate::table::{Became, ExitKind, Row, Table, Trigger, Was, last, text};
use std::collections::BTreeSet;
use syn::Ident;

/// Checks them all, and returns whether the table can be walked.
pub(super) fn check(table: &Table, wrong: &mut Wrong) -> bool {
    start(table, wrong);
    ends(table, wrong);
    exits(table, wrong);
    rows(table, wrong);
    triggers(table, wrong);
    laps_and_serves(table, wrong);
    upcasters(table, wrong);
    let (left, all_known) = (leaving_ends(table, wrong), targets(table, wrong));
    all_known && !left && !table.starts.is_empty() && !table.ends.is_empty()
}

fn start(table: &Table, wrong: &mut Wrong) {
    let graph = &table.name;
    match table.starts.as_slice() {
        [] => wrong.at(graph, format!("graph `{graph}` has no start state: add `start SomeState;`")),
        [_] => {}
        [first, more @ ..] => more.iter().for_each(|second| {
            wrong.at(second, format!("graph `{graph}` already starts at `{first}`: keep one `start` row"));
        }),
    }
}

fn ends(table: &Table, wrong: &mut Wrong) {
    let graph = &table.name;
    if table.ends.is_empty() {
        let likely: Vec<String> = likely_ends(table).into_iter().map(Ident::to_string).collect();
        let ends = if likely.is_empty() { "SomeState".into() } else { likely.join(", ") };
        wrong.at(graph, format!("graph `{graph}` can never finish: add `end {ends};`"));
    }
    let mut seen = BTreeSet::new();
    for end in &table.ends {
        if !seen.insert(end) {
            wrong.at(end, format!("end `{end}` is declared twice in graph `{graph}`: name it once"));
        }
    }
}

/// Reports rows that leave an end, and returns whether there are any.
fn leaving_ends(table: &Table, wrong: &mut Wrong) -> bool {
    let leaving: Vec<&Ident> =
        table.rows.iter().map(|row| &row.from).filter(|from| table.ends.contains(from)).collect();
    for end in &leaving {
        let graph = &table.name;
        let advice = format!("remove this row, or take `{end}` out of `end`");
        wrong.at(
            end,
            format!("state `{end}` is an end of graph `{graph}`, so nothing may leave it: {advice}"),
        );
    }
    !leaving.is_empty()
}

fn exits(table: &Table, wrong: &mut Wrong) {
    let (graph, end) = (&table.name, some_end(table));
    let missing = |kind| table.exit(kind).is_none();
    match (missing(ExitKind::Cancel), missing(ExitKind::Fault)) {
        (true, true) => wrong.at(
            graph,
            format!("graph `{graph}` does not say where a cancelled, failed or exhausted run goes: add `stop -> {end};`"),
        ),
        (true, false) => wrong
            .at(graph, format!("graph `{graph}` does not say where a cancelled run goes: add `cancel -> {end};`")),
        (false, true) => wrong
            .at(graph, format!("graph `{graph}` does not say where a failed run goes: add `fault -> {end};`")),
        (false, false) => {}
    }
    let mut seen = BTreeSet::new();
    for exit in table.exits.iter().filter(|exit| !seen.insert(exit.kind)) {
        let word = exit.kind.word();
        wrong.at(&exit.at, format!("graph `{graph}` has two `{word}` rows: keep one"));
    }
}

fn rows(table: &Table, wrong: &mut Wrong) {
    let mut seen = BTreeSet::new();
    for row in &table.rows {
        let (from, trigger) = (&row.from, full(&row.trigger));
        if !seen.insert((from, trigger)) {
            let graph = &table.name;
            wrong.at(
                from,
                format!("state `{from}` is declared twice in graph `{graph}`: join the rows with `|`"),
            );
        }
        let mut named = BTreeSet::new();
        for to in row.to.iter().filter(|to| !named.insert(*to)) {
            wrong.at(to, format!("`{to}` is listed twice in this row: name it once"));
        }
    }
}

/// The rows of one state stand together only if the engine can tell their triggers, and Rust their enums, apart.
fn triggers(table: &Table, wrong: &mut Wrong) {
    for state in table.states() {
        let waits = table.rows_of(state).any(|row| !matches!(row.trigger, Trigger::Entered));
        let mut earlier: Vec<&Row> = Vec::new();
        for row in table.rows_of(state) {
            if waits && matches!(row.trigger, Trigger::Entered) {
                let rule = "keep this row alone, or only its `on`, `after` and `asks` rows";
                wrong.at(state_of(row), format!("state `{state}` both runs and waits: {rule}"));
            }
            if let Some(why) = earlier.iter().find_map(|other| clash(&other.trigger, &row.trigger)) {
                match &row.trigger {
                    Trigger::On(path) | Trigger::Asks(path) | Trigger::AsksEach(path) => {
                        wrong.at(path, format!("state `{state}` {why}"))
                    }
                    Trigger::Entered | Trigger::After(_) => {
                        wrong.at(state_of(row), format!("state `{state}` {why}"))
                    }
                }
            }
            earlier.push(row);
        }
    }
}

fn state_of(row: &Row) -> &Ident {
    &row.from
}

/// Why two different rows of one state cannot stand together. Equal rows are reported as such, not here.
fn clash(first: &Trigger, second: &Trigger) -> Option<String> {
    match (first, second) {
        (Trigger::AsksEach(a), Trigger::Asks(b)) | (Trigger::Asks(a), Trigger::AsksEach(b))
            if text(a) == text(b) =>
        {
            Some(format!("already asks `{}`: keep one of the rows, with `each` or without", last(a)))
        }
        (Trigger::Asks(a) | Trigger::AsksEach(a), Trigger::Asks(b) | Trigger::AsksEach(b))
            if text(a) != text(b) =>
        {
            Some(format!(
                "already asks `{}`: a state asks one child, so ask `{}` from a state of its own",
                last(a),
                last(b)
            ))
        }
        (Trigger::After(a), Trigger::After(b)) if a.text != b.text => {
            Some(format!("already waits `after {}`: keep one timer", a.text))
        }
        (Trigger::On(a), Trigger::On(b)) if last(a) == last(b) && text(a) != text(b) => Some(format!(
            "already waits for another `{}`: both rows would be named alike, so rename one event",
            last(a)
        )),
        _ => None,
    }
}

fn laps_and_serves(table: &Table, wrong: &mut Wrong) {
    let graph = &table.name;
    for lap in table.laps.iter().skip(1) {
        wrong.at(lap, format!("graph `{graph}` has two `lap` rows: keep one"));
    }
    for lap in &table.laps {
        if table.ends.contains(lap) {
            wrong.at(
                lap,
                format!("`{lap}` is an end, so there is nothing to refill: name a state that the run passes"),
            );
        }
        if let Some(request) = table.serves.first() {
            let request = last(request);
            wrong.at(
                lap,
                format!("graph `{graph}` serves `{request}`, so its budget comes from who asks and `lap` cannot refill it: remove this row or `serves {request};`"),
            );
        }
    }
    let mut seen = BTreeSet::new();
    for request in table.serves.iter().filter(|request| !seen.insert(text(request))) {
        wrong.at(request, format!("graph `{graph}` serves `{}` twice: keep one row", last(request)));
    }
}

fn upcasters(table: &Table, wrong: &mut Wrong) {
    let mut seen = BTreeSet::new();
    for was in table.was.iter().filter(|was| !seen.insert(text(&was.old))) {
        wrong.at(&was.old, format!("what became of `{}` is said twice: keep one row", text(&was.old)));
    }
    for was in &table.was {
        let (new, graph) = (text(&was.new), &table.name);
        match table.became(was) {
            // What could be a state is reported with the other names.
            Became::Unknown if was.new.get_ident().is_none() => wrong.at(
                &was.new,
                format!(
                    "`{new}` is neither a state nor an event of graph `{graph}`: name one that it became, or add `was {new} => ..;`"
                ),
            ),
            Became::Older(_) if matches!(table.lineage(was).1, Became::Unknown) && turns_round(table, was) => {
                wrong.at(
                    &was.new,
                    format!("`{}` becomes itself again: lead to a state or an event of graph `{graph}`", text(&was.old)),
                );
            }
            Became::State(_) | Became::Event(_) | Became::Older(_) | Became::Unknown => {}
        }
    }
}

/// Whether what an old type became leads back to it.
fn turns_round(table: &Table, was: &Was) -> bool {
    table.lineage(was).0.iter().skip(1).any(|later| text(&later.old) == text(&was.old))
}

/// Reports names that are no state of the graph, each once, and returns whether there were none.
fn targets(table: &Table, wrong: &mut Wrong) -> bool {
    let (graph, unknown) = (&table.name, table.unknown());
    let told = likely_ends(table);
    for name in unknown.iter().filter(|name| !told.contains(name)) {
        let advice = match table.meant(name) {
            Some(state) => format!("did you mean `{state}`?"),
            None => format!("write `{name} -> ..;` or add it to `end`"),
        };
        wrong.at(name, format!("`{name}` has no row and is not an end of graph `{graph}`: {advice}"));
    }
    unknown.is_empty()
}

/// A trigger as text that tells equal rows from different ones.
fn full(trigger: &Trigger) -> String {
    match trigger {
        Trigger::On(path) => format!("on {}", text(path)),
        Trigger::Asks(path) => format!("asks {}", text(path)),
        Trigger::AsksEach(path) => format!("asks each {}", text(path)),
        Trigger::Entered | Trigger::After(_) => trigger.text(),
    }
}
