//! `oxydra config show`: the values that count, and who set them. A secret is masked before it comes here.
use super::{is_wanted, sources};
use crate::{
    args::Configuration,
    commands::print,
    exit::{Exit, Failure},
};
use config::{Config, Place, Shown};
use serde_json::{Value, json};

pub(super) fn show(of: &Configuration, keys: &[String], with_origin: bool) -> Result<Exit, Failure> {
    let loaded = Config::load(&sources(of)).map_err(Failure::configuration)?;
    let values: Vec<_> = loaded.values.iter().filter(|value| is_wanted(&value.key, keys)).collect();
    if values.is_empty() && !keys.is_empty() {
        return Err(Failure::usage(format!(
            "nothing is set that begins with {}: `oxydra config keys` lists what there is",
            keys.join(" or ")
        )));
    }
    if of.json {
        let rows: Vec<_> = values.iter().map(|value| row(value)).collect();
        return print(&format!("{}\n", Value::from(rows)));
    }
    let answers =
        if keys.is_empty() { format!("# {} answers\n", loaded.config.selection) } else { String::new() };
    print(&format!("{answers}{}", text(&values, with_origin)))
}

fn text(values: &[&Shown], with_origin: bool) -> String {
    let written = |value: &&Shown| format!("{} = {}", value.key, value.value);
    let width = values.iter().map(|value| written(value).chars().count()).max().unwrap_or_default();
    let line = |value: &&Shown| match (with_origin, value.counts) {
        (false, _) => format!("{}\n", written(value)),
        (true, true) => format!("{:<width$}  # {}\n", written(value), value.place),
        (true, false) => format!("{:<width$}  # {}; no effect yet\n", written(value), value.place),
    };
    values.iter().map(line).collect()
}

fn row(value: &Shown) -> Value {
    let (file, line) = match &value.place {
        Place::File { path, line } => (Some(path.display().to_string()), Some(*line)),
        Place::Variable(_) | Place::Flag(_) | Place::Default => (None, None),
    };
    let layer = match &value.place {
        Place::File { .. } => "file",
        Place::Variable(_) => "environment",
        Place::Flag(_) => "flag",
        Place::Default => "default",
    };
    json!({
        "key": value.key,
        "value": value.value,
        "layer": layer,
        "origin": value.place.to_string(),
        "file": file,
        "line": line,
        "has_effect": value.counts,
    })
}
