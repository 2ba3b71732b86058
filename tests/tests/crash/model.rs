//! A model as a server has it: what it says follows from the conversation it is sent and from nothing else. So it can
//! tell whether a conversation is one that it has had.
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a prompt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Three reads side by side.
    Look,
    /// A line behind those of a file.
    Append,
    /// A new file.
    Write,
    /// A file whose text doubles with each edit.
    Edit,
    /// A file that comes and goes.
    Delete,
    /// Arguments that are wrong.
    Correct,
    /// Arguments that are wrong, and so long that judging them takes a while.
    Fat,
    /// Many words.
    Long,
}

/// Every scene.
pub(crate) const SCENES: [Scene; 8] = [
    Scene::Look,
    Scene::Append,
    Scene::Write,
    Scene::Edit,
    Scene::Delete,
    Scene::Correct,
    Scene::Fat,
    Scene::Long,
];

/// The length of the arguments of `Fat`.
const FAT_BYTES: usize = 96 << 10;

/// How many words `Long` has.
const LONG_WORDS: usize = 120;

/// What the model says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
}

/// A call that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) arguments: String,
}

fn call(tool: &'static str, arguments: Value) -> Call {
    Call { tool, arguments: arguments.to_string() }
}

impl Scene {
    /// The prompt that asks for it.
    pub(crate) fn prompt(self, n: usize) -> String {
        format!("{self:?} {n}")
    }

    /// Reads a prompt.
    pub(crate) fn of(prompt: &str) -> Option<(Scene, usize)> {
        let (name, n) = prompt.split_once(' ')?;
        let scene = SCENES.into_iter().find(|scene| format!("{scene:?}") == name)?;
        Some((scene, n.split([' ', ',']).next()?.parse().ok()?))
    }

    /// What the model calls, round by round; then it answers.
    pub(crate) fn rounds(self, n: usize) -> Vec<Vec<Call>> {
        let read = |path: &str| call("file_read", json!({ "path": path }));
        let list = || call("file_list", json!({ "path": "/shared" }));
        match self {
            Scene::Look => vec![vec![read("a.txt"), read("b.txt"), list()]],
            Scene::Append => {
                let line = format!("line {n}\n");
                let append = json!({ "path": "log.txt", "content": line, "mode": "append" });
                vec![vec![call("file_write", append)], vec![read("log.txt")]]
            }
            Scene::Write => {
                let text = format!("text {n}\n");
                let (path, write) = (format!("note-{n}.txt"), "file_write");
                vec![vec![call(write, json!({ "path": path, "content": text })), read(&path)]]
            }
            Scene::Edit => {
                let path = format!("song-{n}.txt");
                let edit = json!({ "path": path, "old_text": "ha", "new_text": "haha", "replace_all": true });
                let write = call("file_write", json!({ "path": path, "content": "ha\n" }));
                vec![vec![write], vec![call("file_edit", edit), read(&path)]]
            }
            Scene::Delete => {
                let path = format!("gone-{n}.txt");
                let write = call("file_write", json!({ "path": path, "content": "soon gone\n" }));
                vec![vec![write], vec![call("file_delete", json!({ "path": path }))]]
            }
            Scene::Correct => {
                let wrong = json!({ "path": 7 });
                vec![vec![call("file_read", wrong)], vec![read("a.txt")]]
            }
            Scene::Fat => {
                let wrong =
                    json!({ "path": "fat.txt", "content": "fat \n".repeat(FAT_BYTES / 5), "mode": "often" });
                vec![vec![call("file_write", wrong)]]
            }
            Scene::Long => vec![],
        }
    }

    /// Adds what it leaves in the workspace.
    pub(crate) fn leaves(self, n: usize, files: &mut BTreeMap<String, String>) {
        match self {
            Scene::Append => files.entry("log.txt".to_owned()).or_default().push_str(&format!("line {n}\n")),
            Scene::Write => drop(files.insert(format!("note-{n}.txt"), format!("text {n}\n"))),
            Scene::Edit => drop(files.insert(format!("song-{n}.txt"), "haha\n".to_owned())),
            Scene::Look | Scene::Delete | Scene::Correct | Scene::Fat | Scene::Long => {}
        }
    }
}

/// What the model says to a conversation; the prompt, and how many times it has spoken since.
pub(crate) fn reply(messages: &[Value]) -> Option<(String, usize, Reply)> {
    let at = messages.iter().rposition(|message| message["role"] == "user")?;
    let prompt = messages[at]["content"].as_str()?;
    let round = messages[at..].iter().filter(|message| message["role"] == "assistant").count();
    let (scene, n) = Scene::of(prompt)?;
    let head = prompt.split(',').next().unwrap_or_default();
    if let Some(calls) = scene.rounds(n).into_iter().nth(round) {
        let text = if round == 0 { format!("I begin with {head}.") } else { String::new() };
        return Some((prompt.to_owned(), round, Reply { text, calls }));
    }
    let last = messages[at..].iter().rev().find(|message| message["role"] == "tool");
    let last = last.and_then(|message| message["content"].as_str()).unwrap_or("nothing");
    let last: String = last.lines().next().unwrap_or_default().chars().take(60).collect();
    let words = if scene == Scene::Long { LONG_WORDS } else { 3 };
    let words: String = (0..words).map(|word| format!(" word {word} of {words},")).collect();
    let text =
        format!("{head} is done after {} messages:{words} the last result was: {last}", messages.len());
    Some((prompt.to_owned(), round, Reply { text, calls: Vec::new() }))
}

/// The first message of a conversation that the model cannot have said, if there is one.
pub(crate) fn foreign(messages: &[Value]) -> Option<String> {
    let of_model = messages.iter().enumerate().filter(|(_, message)| message["role"] == "assistant");
    of_model.into_iter().find_map(|(at, message)| {
        let said = reply(&messages[..at]).map(|(_, _, reply)| reply);
        let same = said.as_ref().is_some_and(|said| is_same(said, message));
        (!same).then(|| format!("message {at} is not what the model said: {message} instead of {said:?}"))
    })
}

fn is_same(said: &Reply, message: &Value) -> bool {
    let text = message["content"].as_str().unwrap_or_default();
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_call = |(said, call): (&Call, &Value)| {
        call["function"]["name"] == said.tool && call["function"]["arguments"] == said.arguments.as_str()
    };
    said.text == text && said.calls.len() == calls.len() && said.calls.iter().zip(calls).all(is_call)
}

#[test]
fn a_model_knows_its_own_words() {
    let user = json!({ "role": "user", "content": "Long 1" });
    let (_, round, said) = reply(std::slice::from_ref(&user)).expect("it is a prompt");
    assert_eq!((round, said.calls.len()), (0, 0));
    let own = json!({ "role": "assistant", "content": said.text });
    assert_eq!(foreign(&[user.clone(), own]), None);
    let other = json!({ "role": "assistant", "content": format!("{}!", said.text) });
    assert!(foreign(&[user, other]).is_some());
}
