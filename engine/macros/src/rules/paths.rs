//! Rules about paths: every state is reached, every state can finish, and every loop has a bound.
use super::{Wrong, some_end};
use crate::{
    table::{ExitKind, Table},
    walk::{Edges, arrows},
};
use std::collections::BTreeSet;
use syn::Ident;

pub(super) fn check(table: &Table, wrong: &mut Wrong) {
    let edges = Edges::of(table);
    unreachable(table, &edges, wrong);
    endless(table, &edges, wrong);
    unbounded(table, &edges, wrong);
    looping_exits(table, &edges, wrong);
}

fn unreachable(table: &Table, edges: &Edges<'_>, wrong: &mut Wrong) {
    let Some(start) = table.starts.first() else { return };
    let reached = edges.reached(table.exit_targets().into_iter().chain([start]));
    for state in table.states().into_iter().filter(|state| !reached.contains(state)) {
        wrong.at(
            state,
            format!("state `{state}` is unreachable: no path leads to it from `{start}`, so name it in a row or remove it"),
        );
    }
}

fn endless(table: &Table, edges: &Edges<'_>, wrong: &mut Wrong) {
    let finishing = edges.backwards().reached(&table.ends);
    for state in table.states().into_iter().filter(|state| !finishing.contains(state)) {
        let next: Vec<String> = edges.after(state).map(|next| format!("`{next}`")).collect();
        wrong.at(
            state,
            format!(
                "state `{state}` can never finish: only {} can follow, and no `end` state is reached from there; add a \
                 way out, such as `| {}`",
                next.join(", "),
                some_end(table)
            ),
        );
    }
}

fn unbounded(table: &Table, edges: &Edges<'_>, wrong: &mut Wrong) {
    if table.exit(ExitKind::Exhausted).is_some() {
        return;
    }
    if let Some(cycle) = edges.cycle(&table.starts) {
        let at = table.rows.iter().find(|row| Some(&row.from) == cycle.first().copied());
        let message = format!(
            "graph `{}` can loop without bound ({}): say where a run with a spent budget goes, add `exhausted -> {};`",
            table.name,
            arrows(&cycle),
            some_end(table)
        );
        wrong.at(at.map_or(&table.name, |row| &row.from), message);
    }
}

fn looping_exits(table: &Table, edges: &Edges<'_>, wrong: &mut Wrong) {
    let mut told: BTreeSet<&Ident> = BTreeSet::new();
    for exit in &table.exits {
        if let Some(cycle) = edges.cycle([&exit.to])
            && told.insert(&exit.to)
        {
            let (word, loops) = (exit.kind.word(), arrows(&cycle));
            wrong.at(
                &exit.to,
                format!(
                    "what `{word}` leads to must not loop ({loops}): it runs on a reserve of moves after the budget is \
                     spent, so lead to `{}` or to a state of its own",
                    some_end(table)
                ),
            );
        }
    }
}
