//! A workspace in memory with tools that print as the real ones do, and a turn that runs a request to its end.
use crate::rehearsal::{Pace, Rehearsal};
use domain::{
    Answer, CallOutcome, Collector, Fragment, Json, Message, Model, ModelFault, Question, Recovery,
    SessionId, Tier, Tokens, ToolCall, ToolSpec,
};
use futures::StreamExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(super) const TOOLS: [&str; 6] =
    ["file_read", "file_write", "file_edit", "file_delete", "file_list", "file_search"];
/// What a file may hold that no model is shown.
pub(super) const SECRET: &str = "hunter2";
/// What stands in its place.
const REDACTED: &str = "[REDACTED]";
/// Of larger files one line is shown at a time.
const SHOWN_BYTES_MAX: usize = 16 << 10;
/// A turn that calls more often than this goes round in circles.
const ROUNDS_MAX: usize = 30;

/// Files, a conversation, and the tools that are given to the model.
pub(super) struct Workspace {
    pub(super) files: BTreeMap<String, String>,
    pub(super) messages: Vec<Message>,
    pub(super) tools: Vec<&'static str>,
    /// How many names a listing shows at once.
    pub(super) page: usize,
    /// What a person says of every call instead of its tool, as behind a crash.
    pub(super) settled: Option<(CallOutcome, &'static str)>,
}

impl Workspace {
    pub(super) fn with(files: &[(&str, &str)]) -> Workspace {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Workspace { files, messages: vec![], tools: TOOLS.to_vec(), page: 100, settled: None }
    }

    pub(super) fn question(&self, attempt: u32) -> Question {
        let spec = |name: &&str| ToolSpec {
            name: (*name).to_owned(),
            description: String::new(),
            parameters: Json::printed("{}".into()),
            tier: Tier::Workspace,
            recovery: Recovery::Pure,
        };
        Question {
            session: SessionId::parse("s").expect("an id"),
            instructions: String::new(),
            messages: self.messages.clone(),
            tools: self.tools.iter().map(spec).collect(),
            answer_tokens_max: Tokens(16_000),
            form: domain::AnswerForm::Free,
            key: "k".into(),
            attempt,
        }
    }

    /// Runs a request to its end and returns what was called and said.
    pub(super) async fn turn(&mut self, request: &str) -> String {
        self.messages.push(Message::user(request));
        let mut trace = format!("> {request}\n");
        for _ in 0..ROUNDS_MAX {
            let answer = self.answer(&mut trace).await;
            trace.push_str(&answer.text);
            if answer.calls.is_empty() {
                trace.push('\n');
                self.messages.push(Message::assistant(answer.text, vec![]));
                return trace;
            }
            let calls = answer.calls.clone();
            self.messages.push(Message::assistant(answer.text, answer.calls));
            for (position, call) in (0..).zip(calls) {
                let (outcome, text) = self.call(&call);
                writeln!(trace, "  {} {} {} → {outcome:?}", call.id, call.tool, call.arguments)
                    .expect("a string");
                self.messages.push(Message::Tool { position, call, outcome, text });
            }
        }
        trace + "goes round in circles"
    }

    async fn answer(&self, trace: &mut String) -> Answer {
        for attempt in 1..=3 {
            let fragments: Vec<Result<Fragment, ModelFault>> =
                Rehearsal::new(Pace::AT_ONCE).ask(self.question(attempt)).collect().await;
            let fragments: Result<Vec<_>, _> = fragments.into_iter().collect();
            let answer = fragments.map_err(|fault| fault.to_string()).and_then(|fragments| {
                let mut collector = Collector::default();
                fragments.into_iter().for_each(|fragment| collector.take(fragment));
                collector.finish().map_err(|malformed| malformed.to_string())
            });
            match answer {
                Ok(answer) => return answer,
                Err(error) => writeln!(trace, "  attempt {attempt}: {error}").expect("a string"),
            }
        }
        panic!("three attempts are enough: {trace}");
    }

    fn call(&mut self, call: &ToolCall) -> (CallOutcome, String) {
        if let Some((outcome, said)) = self.settled {
            return (outcome, said.to_owned());
        }
        let Ok(arguments) = serde_json::from_str::<Value>(&call.arguments) else {
            return (CallOutcome::Refused, "the arguments are not JSON".to_owned());
        };
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let path = text("path");
        let done = match call.tool.as_str() {
            "file_list" => self.list(&path, arguments["offset"].as_u64().unwrap_or(1) as usize),
            "file_read" => self.read(&path, &arguments),
            "file_write" => self.write(path, text("content"), &text("mode")),
            "file_edit" => self.edit(&path, &text("old_text"), &text("new_text")),
            "file_delete" => self.files.remove(&path).map(|_| "deleted".to_owned()).ok_or(missing(&path)),
            "test_bell" => Ok("the bell rang: stroke 1 in `/shared/bells.txt`".to_owned()),
            "file_search" => Ok(self.search(&text("query"), &path)),
            other => return (CallOutcome::Refused, format!("there is no tool `{other}`")),
        };
        done.map_or_else(|error| (CallOutcome::Failed, error), |text| (CallOutcome::Done, text))
    }

    fn list(&self, folder: &str, first: usize) -> Result<String, String> {
        let folder =
            if folder.is_empty() { String::new() } else { format!("{}/", folder.trim_end_matches('/')) };
        let within: Vec<_> =
            self.files.iter().filter_map(|(name, text)| Some((name.strip_prefix(&folder)?, text))).collect();
        let lines = within.iter().skip(first - 1).take(self.page);
        let lines: String = lines.map(|(name, text)| format!("{name}\t{} bytes\n", text.len())).collect();
        let shown = first - 1 + self.page.min(within.len() + 1 - first);
        Ok(match within.len() {
            0 => "[the directory is empty]".to_owned(),
            all if shown < all => {
                format!("{lines}[names {first}-{shown} of {all}; go on with offset = {}]", shown + 1)
            }
            _ => lines,
        })
    }

    fn read(&self, path: &str, arguments: &Value) -> Result<String, String> {
        let within = format!("{}/", path.trim_end_matches('/'));
        if self.files.keys().any(|name| name.starts_with(&within)) {
            return Err(format!("`/shared/{path}` is refused: it is a directory"));
        }
        let text = self.files.get(path).ok_or(missing(path))?;
        // As the scrubber shows it.
        let text = text.replace(SECRET, REDACTED);
        if text.len() > SHOWN_BYTES_MAX {
            let all = text.lines().count();
            let first = text.lines().next().unwrap_or_default();
            return Ok(format!("{first}\n[lines 1-1 of {all}; go on with offset = 2]"));
        }
        let Some(limit) = arguments["limit"].as_u64() else { return Ok(text) };
        let first = arguments["offset"].as_u64().unwrap_or(1);
        let lines: String =
            text.split_inclusive('\n').skip(first as usize - 1).take(limit as usize).collect();
        Ok(format!("{lines}[lines {first}-{}; go on with offset = {}]", first + limit - 1, first + limit))
    }

    fn write(&mut self, path: String, content: String, mode: &str) -> Result<String, String> {
        let old = self.files.get(&path);
        if content.contains(REDACTED) && !old.is_some_and(|old| old.contains(REDACTED)) {
            return Err(format!("not written: {REDACTED} stands for something that was taken out"));
        }
        if mode == "new" && old.is_some() {
            return Err(format!("not written: `{path}` exists already"));
        }
        let old = self.files.remove(&path).filter(|_| mode == "append").unwrap_or_default();
        self.files.insert(path, old + &content);
        Ok("wrote it".to_owned())
    }

    fn edit(&mut self, path: &str, old: &str, new: &str) -> Result<String, String> {
        let text = self.files.get_mut(path).filter(|text| text.contains(old));
        let text = text.ok_or_else(|| format!("`old_text` does not occur in `{path}`"))?;
        *text = text.replace(old, new);
        Ok("edited".to_owned())
    }

    fn search(&self, query: &str, path: &str) -> String {
        let mut hits = String::new();
        for (name, text) in self.files.iter().filter(|(name, _)| name.starts_with(path)) {
            for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| line.contains(query)) {
                writeln!(hits, "/shared/{name}:{number}: {line}").expect("a string");
            }
        }
        if hits.is_empty() { "[no line holds it; 3 files were searched]".to_owned() } else { hits }
    }
}

fn missing(path: &str) -> String {
    format!("`{path}` does not exist")
}
