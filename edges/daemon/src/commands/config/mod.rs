//! `oxydra config`: what is wrong with the configuration, what counts and who set it, what there is to set. Only `trust` and
//! `migrate` change anything, and say what.
mod check;
mod migrate;
mod show;
mod trust;

use super::print;
use crate::{
    args::{Configuration, What},
    exit::{Exit, Failure},
    trust::Trust,
};
use config::{Described, Sources, described};
use serde_json::{Value, json};

pub(crate) fn config(of: &Configuration) -> Result<Exit, Failure> {
    match &of.what {
        What::Check => check::check(of),
        What::Show { keys, with_origin } => show::show(of, keys, *with_origin),
        What::Trust => trust::trust(of),
        What::Migrate { is_dry } => migrate::migrate(of, *is_dry),
        What::Keys { keys } => list(keys, of.json),
        What::Schema(kind) => print(&format!("{:#}\n", config::schema(*kind))),
    }
}

/// The sources of the process, as `run` would read them without asking: a home that is not trusted only narrows.
fn sources(of: &Configuration) -> Sources {
    let sources = Sources::usual(&of.home, std::env::vars_os()).all_users(&of.user);
    Trust::of(&of.home, &sources).narrowed(sources)
}

/// Whether a key is one of those asked for: it begins with one of them, or none is.
fn is_wanted(key: &str, asked: &[String]) -> bool {
    let begins = |asked: &String| {
        key == asked || key.strip_prefix(asked.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    asked.is_empty() || asked.iter().any(begins)
}

fn list(asked: &[String], json: bool) -> Result<Exit, Failure> {
    let keys: Vec<_> = described().into_iter().filter(|key| is_wanted(key.key, asked)).collect();
    if keys.is_empty() {
        return Err(Failure::usage(format!("no key begins with {}", asked.join(" or "))));
    }
    if json {
        let rows: Vec<_> = keys.iter().map(row).collect();
        return print(&format!("{}\n", Value::from(rows)));
    }
    let mut text = String::new();
    let mut file = None;
    for key in &keys {
        if file != Some(key.file) {
            file = Some(key.file);
            text.push_str(&format!("# {}\n", file_of(key)));
        }
        text.push_str(&line(key));
    }
    print(&text)
}

fn file_of(key: &Described) -> &'static str {
    match key.file {
        config::FileKind::Agent => "agent.toml and providers.toml, variables OXYDRA__… and flags",
        config::FileKind::Runner => "runner.toml",
        config::FileKind::User => "users/<id>.toml",
    }
}

fn line(key: &Described) -> String {
    let default = if key.default.is_empty() { String::new() } else { format!(" (default {})", key.default) };
    let status = if key.status == "works" { String::new() } else { format!("; {}", key.status) };
    let about = if status.contains(key.about) { String::new() } else { format!("{}: ", key.about) };
    format!("{}\n    {about}{}{default}{status}\n", key.key, key.holds)
}

fn row(key: &Described) -> Value {
    json!({
        "file": key.file.word(),
        "key": key.key,
        "about": key.about,
        "holds": key.holds,
        "default": (!key.default.is_empty()).then_some(key.default),
        "status": key.status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_wanted_by_its_whole_names() {
        let asked = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (key, words, wanted) in [
            ("runtime.max_turns", &[][..], true),
            ("runtime.max_turns", &["runtime"], true),
            ("runtime.max_turns", &["runtime.max_turns"], true),
            ("runtime.max_turns", &["runtime.max"], false),
            ("runtime.max_turns", &["memory", "runtime"], true),
            ("memory.enabled", &["runtime"], false),
        ] {
            assert_eq!(is_wanted(key, &asked(words)), wanted, "{key} {words:?}");
        }
    }

    #[test]
    fn a_key_is_described_in_two_lines() {
        let keys = described();
        let of = |name: &str| line(keys.iter().find(|key| key.key == name).expect("it is one"));
        expect_test::expect![[r#"
            runtime.max_turns
                model round trips in one turn: a whole number from 1 to 1000 (default 8)
            reliability.jitter
                whether waits are spread: true or false (default false)
            memory.db_path
                text that is not blank; no effect: memory is a view of the journal in the home: it has no file of its own
            providers.openai.api_key
                an older name: text that is not blank; is now `providers.registry.openai.api_key`
        "#]].assert_eq(
            &["runtime.max_turns", "reliability.jitter", "memory.db_path", "providers.openai.api_key"]
                .map(of)
                .concat(),
        );
    }
}
