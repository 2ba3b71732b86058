//! The journal as the program shows it, `oxydra instances`: what every run has done, and where a kill has left it.
use crate::provider::{Asked, Said};
use serde_json::Value;
use std::collections::BTreeSet;
use tests::Place;

/// A run with its past.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) state: String,
    pub(crate) life: String,
    pub(crate) lines: Vec<Line>,
}

/// A line of it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Kind and text of each fact.
    pub(crate) facts: Vec<(String, String)>,
}

/// A model call of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) attempts: u32,
    pub(crate) done: bool,
}

/// The ids of all runs, oldest first.
pub(crate) fn runs(place: &Place) -> Vec<String> {
    let list = json(place, &["instances", "--json"]);
    let rows = list.as_array().expect("it is a list").iter();
    rows.map(|row| text(&row["instance"])).collect()
}

/// One run.
pub(crate) fn past(place: &Place, instance: &str) -> Past {
    let shown = json(place, &["instances", "show", instance, "--json"]);
    let fact = |fact: &Value| (text(&fact["fact"]), text(&fact["text"]));
    let line = |line: &Value| Line {
        kind: text(&line["kind"]),
        name: text(&line["name"]),
        facts: line["facts"].as_array().expect("they are listed").iter().map(fact).collect(),
    };
    let lines = shown["past"].as_array().expect("it has a past").iter().map(line).collect();
    Past { state: text(&shown["state"]), life: text(&shown["life"]), lines }
}

fn json(place: &Place, args: &[&str]) -> Value {
    serde_json::from_str(&place.run(args).ended(0).text()).expect("it is JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is text").to_owned()
}

impl Past {
    /// What was said in it, as `user says …`, `model says …` or `tool … Done: …`.
    pub(crate) fn said(&self) -> Vec<&str> {
        self.facts("message")
    }

    pub(crate) fn facts(&self, kind: &str) -> Vec<&str> {
        let facts = self.lines.iter().flat_map(|line| &line.facts);
        facts.filter(|(fact, _)| fact == kind).map(|(_, text)| text.as_str()).collect()
    }

    /// Its model calls, in order.
    pub(crate) fn rounds(&self) -> Vec<Round> {
        let mut rounds: Vec<Round> = Vec::new();
        for line in self.lines.iter().filter(|line| line.name == "answer") {
            match (line.kind.as_str(), rounds.last_mut()) {
                ("began", Some(round)) if !round.done => round.attempts += 1,
                ("began", _) => rounds.push(Round { attempts: 1, done: false }),
                ("done", Some(round)) => round.done = true,
                _ => {}
            }
        }
        rounds
    }

    /// The effects of its state that have begun and have no result.
    pub(crate) fn open(&self) -> BTreeSet<&str> {
        let mut open = BTreeSet::new();
        for line in &self.lines {
            match line.kind.as_str() {
                "moved" | "started" => open.clear(),
                "began" => drop(open.insert(line.name.as_str())),
                "done" => drop(open.remove(line.name.as_str())),
                _ => {}
            }
        }
        open
    }

    /// The state, and each effect window, that it stands in.
    pub(crate) fn stands(&self, place: &Place, log: &[Asked]) -> Vec<String> {
        let open = self.open();
        let mut stands = vec![self.state.clone()];
        if open.is_empty() {
            stands.push(format!("{}, nothing open", self.state));
        }
        for effect in open {
            // A call that a probe let begin anew is `call/0/anew/1`.
            let mut name = effect.split('/');
            match (name.next(), name.next().and_then(|n| n.parse().ok()), name.next()) {
                (Some("call"), Some(n), anew) => {
                    stands.push(self.call(n, place));
                    stands.extend(anew.map(|_| "call: begun anew".to_owned()));
                }
                _ => stands.push(self.answer(log)),
            }
        }
        stands.sort();
        stands.dedup();
        stands
    }

    fn answer(&self, log: &[Asked]) -> String {
        let rounds = self.rounds();
        let last = rounds.last().expect("an answer is open").attempts;
        let prompt = self.said()[0].strip_prefix("user says ").expect("the user speaks first");
        let is_it = |asked: &&Asked| {
            asked.prompt() == prompt && asked.round + 1 == rounds.len() && asked.attempt == last
        };
        let how = match log.iter().find(is_it).map(|asked| asked.said) {
            None => "not asked yet",
            Some(Said::Nothing) => "asked",
            Some(Said::Some) => "half said",
            Some(Said::All) => "all said",
            Some(Said::Failed) => "failed, to be repeated",
        };
        format!("answer: {how}")
    }

    /// Which tool is at work, and whether it has done its work already.
    fn call(&self, n: usize, place: &Place) -> String {
        let said = self.said();
        let calls = said.iter().rev().find(|said| said.starts_with("model says")).expect("the model made it");
        let call = calls.split(" [calls ").nth(n + 1).expect("the call was made").trim_end_matches(']');
        let (tool, arguments) = call.split_once(' ').expect("a call has arguments");
        let arguments: Value = serde_json::from_str(arguments).expect("only what is right is carried out");
        let now = arguments["path"].as_str().and_then(|path| place.read(path));
        let content = arguments["content"].as_str().unwrap_or_default();
        let (name, done) = match (tool, arguments["mode"].as_str()) {
            ("file_write", Some("append")) => ("append", now.is_some_and(|now| now.ends_with(content))),
            ("file_write", _) => ("write", now.as_deref() == Some(content)),
            ("file_edit", _) => ("edit", now.as_deref() == Some("haha\n")),
            ("file_delete", _) => ("delete", now.is_none()),
            _ => return "call: read".to_owned(),
        };
        format!("call: {name}, {}", if done { "done already" } else { "not done yet" })
    }
}
