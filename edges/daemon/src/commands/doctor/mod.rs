//! `oxydra doctor`: what is configured, what can be reached and what is missing, each finding with what mends it. It changes
//! nothing, and asks a provider for nothing that costs.
mod disk;
mod model;

use super::print;
use crate::{
    args::Listing,
    exit::{Exit, Failure},
    house, known,
    trust::{Trust, listed},
};
use catalog::Catalog;
use config::{Config, Home, HomeError, Loaded, Sources};
use serde_json::{Value, json};

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Good,
    /// It works, and could be better.
    Note,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    subject: &'static str,
    state: State,
    text: String,
    /// The command or the change that mends it.
    fix: Option<String>,
}

impl Finding {
    fn good(subject: &'static str, text: impl Into<String>) -> Finding {
        Finding { subject, state: State::Good, text: text.into(), fix: None }
    }
    fn note(subject: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { subject, state: State::Note, text: text.into(), fix: Some(fix.into()) }
    }
    fn bad(subject: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { subject, state: State::Bad, text: text.into(), fix: Some(fix.into()) }
    }
}

pub(crate) fn doctor(of: &Listing) -> Result<Exit, Failure> {
    let runtime = super::runtime()?;
    let findings = runtime.block_on(examine(of));
    runtime.shutdown_background();
    let text = if of.json { format!("{}\n", as_json(&findings)) } else { as_text(&findings) };
    print(&text)?;
    let is_ill = findings.iter().any(|finding| finding.state == State::Bad);
    Ok(if is_ill { Exit::Failed } else { Exit::Answered })
}

async fn examine(of: &Listing) -> Vec<Finding> {
    let sources = Sources::usual(&of.home, std::env::vars_os()).all_users(&of.user);
    let trust = Trust::of(&of.home, &sources);
    let mut findings = home(of);
    findings.extend(trusted(of, &sources, &trust));
    let catalog = match known::catalog_of(&of.home, &trust) {
        Ok(catalog) => {
            findings.push(facts(&catalog));
            catalog
        }
        Err(error) => {
            let fix = format!("oxydra catalog fetch, or remove {}", of.home.join(known::FILE).display());
            findings.push(Finding::bad("catalog", error.to_string(), fix));
            std::borrow::Cow::Borrowed(Catalog::pinned())
        }
    };
    let loaded = Config::load(&trust.narrowed(sources)).and_then(|mut loaded| {
        known::look_up(&mut loaded, &of.home, &catalog).map(|remarks| (loaded, remarks))
    });
    match loaded {
        Err(error) => {
            let problems = error.problems.iter();
            findings.extend(problems.map(|problem| {
                Finding::bad("configuration", problem.to_string(), "mend it; oxydra config check looks again")
            }));
        }
        Ok((mut loaded, remarks)) => {
            findings.push(configured(&loaded));
            findings.extend(remarks.into_iter().map(|remark| {
                Finding::note("model", remark, "choose another: oxydra catalog show lists them")
            }));
            findings.extend(model::examine(&mut loaded.config).await);
        }
    }
    findings.push(guests());
    findings
}

/// Whether guests can run. No tool needs one yet, so that nothing is broken where they cannot.
fn guests() -> Finding {
    let machines::Finding { state, text, fix, .. } = machines::doctor::kvm();
    match state {
        machines::State::Good => Finding::good("guests", text),
        machines::State::Note | machines::State::Bad => {
            Finding::note("guests", text, format!("{fix} (oxydra guest doctor says more)"))
        }
    }
}

fn home(of: &Listing) -> Vec<Finding> {
    let shown = of.home.display();
    match Home::open(&of.home) {
        Ok(_) => {}
        Err(HomeError::Missing(_)) => {
            return vec![Finding::note("home", format!("there is none at {shown} yet"), "oxydra run")];
        }
        Err(error) => {
            return vec![Finding::bad("home", error.to_string(), "oxydra run --home DIR uses another")];
        }
    }
    let runs = house::reading(&of.home).and_then(|journal| journal.runs().map_err(Failure::storage));
    let journal = match runs {
        Ok(runs) => Finding::good("journal", format!("it can be read; runs in it: {}", runs.len())),
        Err(failure) => Finding::bad(
            "journal",
            failure.to_string(),
            "oxydra instances says the same; keep a copy of the home before anything else",
        ),
    };
    vec![disk::examine(&of.home), journal]
}

/// Whether what the home gives waits for a word.
fn trusted(of: &Listing, sources: &Sources, trust: &Trust) -> Option<Finding> {
    if !trust.is_missing() {
        return None;
    }
    // What is wrong with it is found elsewhere.
    let widened = Config::load(sources).map(|loaded| loaded.widened_by_home).unwrap_or_default();
    let home = of.home.display();
    Some(match (&widened[..], trust.waiting()) {
        ([], []) => Finding::good("trust", format!("{home} came with a checkout and only narrows")),
        (widened, brought) => Finding::bad(
            "trust",
            format!(
                "{home} came with a checkout; what it gives waits for your word\n{}",
                listed(widened, brought).trim_end()
            ),
            "oxydra config trust",
        ),
    })
}

fn facts(catalog: &Catalog) -> Finding {
    Finding::good("catalog", format!("{}: {} models", catalog.version(), catalog.len()))
}

fn configured(loaded: &Loaded) -> Finding {
    match loaded.notices.len() {
        0 => Finding::good("configuration", "in order"),
        n => {
            let things = if n == 1 { "one thing" } else { "some things" };
            Finding::note(
                "configuration",
                format!("in order, with {things} to know ({n})"),
                "oxydra config check",
            )
        }
    }
}

fn as_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { subject, state, text: what, fix } in findings {
        let mark = match state {
            State::Good => "ok",
            State::Note => "note",
            State::Bad => "bad",
        };
        text.push_str(&format!(
            "{mark:<5} {subject:<14} {}\n",
            what.replace('\n', "\n                     ")
        ));
        if let Some(fix) = fix {
            text.push_str(&format!("                     → {fix}\n"));
        }
    }
    text
}

fn as_json(findings: &[Finding]) -> Value {
    let row = |finding: &Finding| {
        let state = match finding.state {
            State::Good => "ok",
            State::Note => "note",
            State::Bad => "bad",
        };
        json!({"subject": finding.subject, "state": state, "text": finding.text, "fix": finding.fix})
    };
    let ok = findings.iter().all(|finding| finding.state != State::Bad);
    json!({"ok": ok, "findings": findings.iter().map(row).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_its_mending_another() {
        let findings = [
            Finding::good("home", ".oxydra"),
            Finding::note("model", "the rehearsal answers", "export OPENAI_API_KEY=…"),
            Finding::bad("trust", "it came with a checkout\n  a = 1", "oxydra config trust"),
        ];
        expect_test::expect![[r#"
            ok    home           .oxydra
            note  model          the rehearsal answers
                                 → export OPENAI_API_KEY=…
            bad   trust          it came with a checkout
                                   a = 1
                                 → oxydra config trust
        "#]]
        .assert_eq(&as_text(&findings));
        assert_eq!(as_json(&findings)["ok"], json!(false));
        assert_eq!(as_json(&findings[..2])["ok"], json!(true));
    }
}
