//! `oxydra config check`: everything that is wrong, at once.
use super::sources;
use crate::{
    args::Configuration,
    commands::print,
    exit::{Exit, Failure},
};
use config::{Config, ConfigError, Loaded, Notice, Place, Problem};
use serde_json::{Value, json};

pub(super) fn check(of: &Configuration) -> Result<Exit, Failure> {
    let found = Config::load(&sources(of));
    let text = if of.json { format!("{}\n", as_json(&found)) } else { as_text(&found) };
    print(&text)?;
    Ok(if found.is_ok() { Exit::Answered } else { Exit::Usage })
}

fn as_text(found: &Result<Loaded, ConfigError>) -> String {
    match found {
        Ok(Loaded { config, notices, .. }) => {
            let notices: String = notices.iter().map(|notice| format!("note: {notice}\n")).collect();
            format!("{notices}the configuration is in order; {} answers\n", config.selection)
        }
        Err(ConfigError { problems }) => {
            let lines: String = problems.iter().map(|problem| format!("error: {problem}\n")).collect();
            let errors = if problems.len() == 1 { "error" } else { "errors" };
            format!("{lines}{} {errors}\n", problems.len())
        }
    }
}

fn as_json(found: &Result<Loaded, ConfigError>) -> Value {
    let (problems, notices): (&[Problem], &[Notice]) = match found {
        Ok(loaded) => (&[], &loaded.notices),
        Err(error) => (&error.problems, &[]),
    };
    let answers = found.as_ref().ok().map(|loaded| loaded.config.selection.to_string());
    let notices: Vec<_> = notices.iter().map(ToString::to_string).collect();
    let problems: Vec<_> = problems.iter().map(problem).collect();
    json!({"ok": found.is_ok(), "answers": answers, "problems": problems, "notices": notices})
}

fn problem(problem: &Problem) -> Value {
    let place = problem.place();
    let (file, line) = match &place {
        Place::File { path, line } => (Some(path.display().to_string()), Some(*line)),
        Place::Variable(_) | Place::Flag(_) | Place::Default => (None, None),
    };
    let source = match &place {
        Place::Variable(name) => Some(name.as_str()),
        Place::Flag(flag) => Some(*flag),
        Place::File { .. } | Place::Default => None,
    };
    json!({"key": problem.key(), "file": file, "line": line, "source": source, "message": problem.to_string()})
}
