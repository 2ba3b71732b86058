//! `oxydra instances`: the runs of graphs, and one run with its past, read beside whoever runs.
use super::{
    past::{self, timed},
    print,
};
use crate::{
    args::{Instance, Instances, Prefix},
    exit::{Exit, Failure},
    house,
    roll::{self, Row},
};
use engine::{
    InstanceId,
    journal::{Life, Summary},
};
use frames::Timestamp;
use serde_json::{Value, json};

pub(crate) fn list(of: &Instances) -> Result<Exit, Failure> {
    let rows = roll::rows(&house::reading(&of.home)?)?;
    let (all, now) = (rows.len(), roll::now());
    let rows: Vec<_> = rows.into_iter().filter(|row| row.fits(&of.wanted, now)).collect();
    if of.json {
        return print(&format!("{}\n", Value::from(rows.iter().map(summary).collect::<Vec<_>>())));
    }
    if rows.is_empty() {
        let text =
            if all == 0 { "no instances yet\n" } else { "no such instance among those that are here\n" };
        return print(text);
    }
    print(&rows.iter().map(|row| format!("{}\n", headline(row))).collect::<String>())
}

pub(crate) fn show(instance: &Instance) -> Result<Exit, Failure> {
    let journal = house::reading(&instance.home)?;
    let rows = roll::rows(&journal)?;
    let id = chosen(rows.iter().map(|row| &row.run), instance.id.as_ref())?;
    let gone = || Failure::other(format!("instance {id} is gone"));
    let row = rows.into_iter().find(|row| row.run.instance == id).ok_or_else(gone)?;
    let (_, past) = journal.past(id).map_err(Failure::storage)?.ok_or_else(gone)?;
    if instance.json {
        let lines: Vec<_> = timed(&past).map(|(line, took)| past::json(line, took)).collect();
        let mut shown = summary(&row);
        shown["past"] = Value::from(lines);
        return print(&format!("{shown}\n"));
    }
    let lines = timed(&past).map(|(line, took)| past::text(line, took));
    print(&format!("{}\n{}", headline(&row), lines.collect::<String>()))
}

/// The run whose id begins so; without an id, the latest that nobody asked for: a turn rather than its children.
pub(crate) fn chosen<'a>(
    runs: impl DoubleEndedIterator<Item = &'a Summary>,
    id: Option<&Prefix>,
) -> Result<InstanceId, Failure> {
    let Some(id) = id else {
        let latest = runs.rev().find(|run| run.parent.is_none());
        return latest.map(|run| run.instance).ok_or_else(|| Failure::usage("no instances yet"));
    };
    let fitting: Vec<_> = runs.filter(|run| id.fits(run.instance)).collect();
    match fitting[..] {
        [run] => Ok(run.instance),
        [] => Err(Failure::usage(format!(
            "no instance begins with `{}`: `oxydra instances` lists them",
            id.as_str()
        ))),
        [_, _, ..] => Err(Failure::usage(format!(
            "{} instances begin with `{}`: write more of the id",
            fitting.len(),
            id.as_str()
        ))),
    }
}

pub(crate) fn headline(Row { run, life, .. }: &Row) -> String {
    let life = life.word();
    format!(
        "{}  {}  {:<8}  {} v{}  {} ({} moves)",
        run.instance,
        Timestamp(run.started.0),
        life,
        run.graph,
        run.version,
        run.state,
        run.moves
    )
}

pub(crate) fn summary(Row { run, life, session, user }: &Row) -> Value {
    let why = match &run.life {
        Life::Parked(why) => Some(why),
        Life::Living | Life::Stopping | Life::Ended => None,
    };
    json!({
        "instance": run.instance.to_string(),
        "graph": run.graph,
        "version": run.version,
        "state": run.state,
        "life": life.word(),
        "parked_because": why,
        "moves": run.moves,
        "started_at": Timestamp(run.started.0),
        "since": Timestamp(run.since.0),
        "parent": run.parent.map(|parent| parent.to_string()),
        "fork_of": run.origin.map(|(from, at)| json!({"instance": from.to_string(), "at": at})),
        "open_effects": run.open,
        "session": session,
        "user": user.as_ref().map(ToString::to_string),
    })
}
