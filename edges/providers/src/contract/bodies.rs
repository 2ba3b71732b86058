//! The bodies that the contract is held against.
use super::*;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Bodies of our own, which belong to the repository.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

/// What real servers sent, beside the repository, never in it.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/streams");

/// A body, and whose it is.
pub(super) struct BodyOf {
    pub(super) api: Api,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl BodyOf {
    pub(super) fn is_stream(&self) -> bool {
        Path::new(&self.name).extension().is_some_and(|found| found == "sse")
    }
}

/// The bodies of our own.
pub(super) fn corpus() -> Vec<BodyOf> {
    let bodies: Vec<_> =
        Api::ALL.into_iter().flat_map(|api| listed(&Path::new(CORPUS).join(folder(api)), api)).collect();
    assert!(!bodies.is_empty(), "the corpus is there");
    bodies
}

/// Those of real servers; none where they are not there.
pub(super) fn recordings() -> Vec<BodyOf> {
    if !Path::new(RECORDINGS).is_dir() {
        eprintln!("skipped: there are no recordings in {RECORDINGS}");
        return Vec::new();
    }
    let of = |api| {
        listed(Path::new(RECORDINGS), api).into_iter().filter(move |body| body.name.starts_with(prefix(api)))
    };
    Api::ALL.into_iter().flat_map(of).collect()
}

fn folder(api: Api) -> &'static str {
    match api {
        Api::Chat => "chat",
        Api::Responses => "responses",
        Api::Messages => "messages",
        Api::Gemini => "gemini",
    }
}

fn prefix(api: Api) -> &'static str {
    match api {
        Api::Chat => "chat-",
        Api::Responses => "responses-",
        Api::Messages => "anthropic-",
        Api::Gemini => "gemini-",
    }
}

fn listed(folder: &Path, api: Api) -> Vec<BodyOf> {
    let entries =
        fs::read_dir(folder).expect("it can be listed").map(|entry| entry.expect("it can be read").path());
    let is_body = |path: &PathBuf| path.extension().is_some_and(|found| found == "sse" || found == "json");
    let read = |path: PathBuf| {
        let name = path.file_name().expect("it is a file").to_string_lossy().into_owned();
        BodyOf { api, name, bytes: fs::read(&path).expect("it can be read") }
    };
    let mut bodies: Vec<_> = entries.filter(is_body).map(read).collect();
    bodies.sort_by(|one, two| one.name.cmp(&two.name));
    bodies
}
