//! `oxydra graph`: which graphs there are, and how they look.
use super::print;
use crate::{
    args::Format,
    exit::{Exit, Failure},
    graphs::GRAPHS,
};
use serde_json::json;

pub(crate) fn list(json: bool) -> Result<Exit, Failure> {
    if json {
        let rows: Vec<_> = GRAPHS
            .iter()
            .map(|graph| json!({"name": graph.name, "version": graph.version, "about": graph.doc, "states": states(graph)}))
            .collect();
        return print(&format!("{}\n", json!(rows)));
    }
    let line = |graph: &engine::Meta| format!("{} v{}  {}\n", graph.name, graph.version, graph.doc);
    print(&GRAPHS.iter().map(line).collect::<String>())
}

pub(crate) fn draw(name: Option<&str>, format: Format) -> Result<Exit, Failure> {
    let wanted = |graph: &&engine::Meta| name.is_none_or(|name| graph.name.eq_ignore_ascii_case(name));
    let drawn: Vec<_> = GRAPHS
        .iter()
        .filter(wanted)
        .map(|graph| match format {
            Format::Mermaid => graph.mermaid(),
            Format::Dot => graph.dot(),
        })
        .collect();
    if drawn.is_empty() {
        let known: Vec<_> = GRAPHS.iter().map(|graph| graph.name).collect();
        let name = name.unwrap_or_default();
        return Err(Failure::usage(format!("there is no graph `{name}`; there is: {}", known.join(", "))));
    }
    print(&drawn.join("\n"))
}

fn states(graph: &engine::Meta) -> Vec<&'static str> {
    let mut states: Vec<_> = graph.edges.iter().map(|edge| edge.from).collect();
    states.dedup();
    states.extend(graph.ends);
    states
}
