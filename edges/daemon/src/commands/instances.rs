//! `oxydra instances`: the runs of graphs, and one run with its past, read beside whoever runs.
use super::print;
use crate::{
    args::{Home, Instance, Prefix},
    exit::{Exit, Failure},
    house,
};
use domain::{Message, MessageSaid, SessionTouched, UsageSpent};
use engine::{
    Encoded, InstanceId,
    journal::{Happened, Life, Line, Summary},
};
use frames::Timestamp;
use serde_json::{Value, json};

/// A body in a text listing is cut to this length; `--json` has all of it.
const BODY_CHARS_MAX: usize = 120;

pub(crate) fn list(of: &Home) -> Result<Exit, Failure> {
    let runs = house::reading(&of.home)?.runs().map_err(Failure::storage)?;
    if of.json {
        let rows: Vec<_> = runs.iter().map(summary).collect();
        return print(&format!("{}\n", Value::from(rows)));
    }
    if runs.is_empty() {
        return print("no instances yet\n");
    }
    print(&runs.iter().map(|run| format!("{}\n", headline(run))).collect::<String>())
}

pub(crate) fn show(instance: &Instance) -> Result<Exit, Failure> {
    let journal = house::reading(&instance.home)?;
    let runs = journal.runs().map_err(Failure::storage)?;
    let id = chosen(&runs, instance.id.as_ref())?;
    let Some((run, past)) = journal.past(id).map_err(Failure::storage)? else {
        return Err(Failure::other(format!("instance {id} is gone")));
    };
    if instance.json {
        let lines: Vec<_> = past.iter().map(line_json).collect();
        let mut shown = summary(&run);
        shown["past"] = Value::from(lines);
        return print(&format!("{shown}\n"));
    }
    print(&format!("{}\n{}", headline(&run), past.iter().map(line_text).collect::<String>()))
}

/// The run whose id begins so; without an id, the latest that nobody asked for: a turn rather than its children.
fn chosen(runs: &[Summary], id: Option<&Prefix>) -> Result<InstanceId, Failure> {
    let Some(id) = id else {
        let latest = runs.iter().rev().find(|run| run.parent.is_none());
        return latest.map(|run| run.instance).ok_or_else(|| Failure::usage("no instances yet"));
    };
    let fitting: Vec<_> = runs.iter().filter(|run| id.fits(run.instance)).collect();
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

fn headline(run: &Summary) -> String {
    let life = life(&run.life);
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

fn life(life: &Life) -> &'static str {
    match life {
        Life::Living => "living",
        Life::Stopping => "stopping",
        Life::Ended => "ended",
        Life::Parked(_) => "parked",
    }
}

fn summary(run: &Summary) -> Value {
    let why = match &run.life {
        Life::Parked(why) => Some(why),
        Life::Living | Life::Stopping | Life::Ended => None,
    };
    json!({
        "instance": run.instance.to_string(),
        "graph": run.graph,
        "version": run.version,
        "state": run.state,
        "life": life(&run.life),
        "parked_because": why,
        "moves": run.moves,
        "started_at": Timestamp(run.started.0),
        "since": Timestamp(run.since.0),
        "parent": run.parent.map(|parent| parent.to_string()),
    })
}

fn line_text(line: &Line) -> String {
    let mut text = format!("  {}  {}\n", Timestamp(line.at.0), happened(&line.what));
    for (name, entry) in &line.facts {
        text.push_str(&format!("      {name}: {}\n", cut(&fact(&entry.fact))));
    }
    text
}

fn line_json(line: &Line) -> Value {
    let facts: Vec<_> =
        line.facts.iter().map(|(name, entry)| json!({"fact": name, "text": fact(&entry.fact)})).collect();
    let (kind, name) = words(&line.what);
    json!({
        "at": Timestamp(line.at.0),
        "kind": kind,
        "name": name,
        "text": happened(&line.what),
        "facts": facts,
    })
}

/// What kind of thing happened, and the name in it that a script looks for.
fn words(what: &Happened) -> (&'static str, String) {
    match what {
        Happened::Started { state } => ("started", state.clone()),
        Happened::Moved { to, .. } => ("moved", to.clone()),
        Happened::Began { effect, .. } => ("began", effect.clone()),
        Happened::Done { effect, .. } => ("done", effect.clone()),
        Happened::Received { event } => ("received", event.clone()),
        Happened::Answered { child, .. } => ("answered", child.to_string()),
        Happened::Credited { from } => ("credited", from.to_string()),
        Happened::Cancelled => ("cancelled", String::new()),
        Happened::Parked { .. } => ("parked", String::new()),
        Happened::Unparked => ("unparked", String::new()),
        Happened::Forked { from, .. } => ("forked", from.to_string()),
    }
}

fn happened(what: &Happened) -> String {
    match what {
        Happened::Started { state } => format!("started in {state}"),
        Happened::Moved { to, .. } => format!("→ {to}"),
        Happened::Began { effect, attempt: 1, .. } => format!("began {effect}"),
        Happened::Began { effect, attempt, .. } => format!("began {effect}, attempt {attempt}"),
        Happened::Done { effect, .. } => format!("done {effect}"),
        Happened::Received { event } => format!("received {event}"),
        Happened::Answered { child, lost: None } => format!("answered by {child}"),
        Happened::Answered { child, lost: Some(why) } => format!("lost its child {child}: {why}"),
        Happened::Credited { from } => format!("got back what {from} had left"),
        Happened::Cancelled => "cancelled".to_owned(),
        Happened::Parked { why } => format!("parked: {why}"),
        Happened::Unparked => "let go on".to_owned(),
        Happened::Forked { from, seq } => format!("as a fork of {from} at {seq}"),
    }
}

/// A fact in words.
fn fact(fact: &Encoded) -> String {
    if let Ok(said) = fact.to_durable::<MessageSaid>() {
        return message(&said.message);
    }
    if let Ok(spent) = fact.to_durable::<UsageSpent>() {
        let UsageSpent { model, attempt, usage, .. } = spent;
        return format!("{model}, attempt {attempt}: {} in, {} out", usage.input, usage.output);
    }
    match fact.to_durable::<SessionTouched>() {
        Ok(touched) => format!("{} of {}: {}", touched.session, touched.user, touched.title),
        Err(_) => format!("{} bytes", fact.bytes.len()),
    }
}

fn message(message: &Message) -> String {
    match message {
        Message::User { text, .. } => format!("user says {text}"),
        Message::Assistant { text, calls, .. } => {
            let calls: String =
                calls.iter().map(|call| format!(" [calls {} {}]", call.tool, call.arguments)).collect();
            format!("model says {text}{calls}")
        }
        Message::Tool { call, outcome, text, .. } => {
            format!("{} {} {outcome:?}: {text}", call.tool, call.arguments)
        }
    }
}

fn cut(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(BODY_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
