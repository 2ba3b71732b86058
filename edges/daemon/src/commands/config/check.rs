//! `oxydra config check`: everything that is wrong, at once.
use super::sources;
use crate::{
    args::Configuration,
    commands::print,
    exit::{Exit, Failure},
    known,
    trust::Trust,
};
use config::{Config, ConfigError, Loaded, Place, Problem};
use serde_json::{Value, json};

pub(super) fn check(of: &Configuration) -> Result<Exit, Failure> {
    let trust = Trust::of(&of.home, &sources(of));
    let catalog = known::catalog_of(&of.home, &trust);
    let found: Found = match (Config::load(&sources(of)), catalog) {
        (Ok(mut loaded), Ok(catalog)) => {
            let looked_up = known::look_up(&mut loaded, &of.home, &catalog);
            let problems = std::mem::take(&mut loaded.unchosen);
            match looked_up {
                Ok(mut remarks) if problems.is_empty() => {
                    remarks.extend(known::unsure(&loaded.config));
                    remarks.extend(waiting(of, &trust));
                    Ok((loaded, remarks))
                }
                looked_up => {
                    let more = looked_up.err().into_iter().flat_map(|error| error.problems);
                    Err(ConfigError { problems: problems.into_iter().chain(more).collect() })
                }
            }
        }
        (loaded, catalog) => {
            let problems = loaded.err().into_iter().chain(catalog.err()).flat_map(|error| error.problems);
            Err(ConfigError { problems: problems.collect() })
        }
    };
    let text = if of.json { format!("{}\n", as_json(&found)) } else { as_text(&found) };
    print(&text)?;
    Ok(if found.is_ok() { Exit::Answered } else { Exit::Usage })
}

/// What came with the home and acts there once its owner says so.
fn waiting(of: &Configuration, trust: &Trust) -> Vec<String> {
    let home = of.home.display();
    let said = |brought| format!("{home} brings {brought}: nothing runs before `oxydra config trust`");
    trust.waiting().iter().map(said).collect()
}

/// What was found: a configuration and remarks on its models, or problems.
type Found = Result<(Loaded, Vec<String>), ConfigError>;

/// Everything that there is to know about a configuration in order.
fn notes(loaded: &Loaded, remarks: &[String]) -> Vec<String> {
    loaded.notices.iter().map(ToString::to_string).chain(remarks.iter().cloned()).collect()
}

fn as_text(found: &Found) -> String {
    match found {
        Ok((loaded, remarks)) => {
            let config = &loaded.config;
            let notices: String =
                notes(loaded, remarks).iter().map(|note| format!("note: {note}\n")).collect();
            format!("{notices}the configuration is in order; {} answers\n", config.selection)
        }
        Err(ConfigError { problems }) => {
            let lines: String = problems.iter().map(|problem| format!("error: {problem}\n")).collect();
            let errors = if problems.len() == 1 { "error" } else { "errors" };
            format!("{lines}{} {errors}\n", problems.len())
        }
    }
}

fn as_json(found: &Found) -> Value {
    let (problems, notices): (&[Problem], Vec<String>) = match found {
        Ok((loaded, remarks)) => (&[], notes(loaded, remarks)),
        Err(error) => (&error.problems, Vec::new()),
    };
    let answers = found.as_ref().ok().map(|(loaded, _)| loaded.config.selection.to_string());
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
