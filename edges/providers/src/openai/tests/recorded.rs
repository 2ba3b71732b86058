//! What real servers sent, where the recordings are there: the same fragments however a stream is cut.
use super::*;
use expect_test::expect;
use std::{fs, path::PathBuf};

/// Beside the repository, never in it.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/streams");

/// How many random ways each stream is cut.
const CUTS: u64 = 25;

fn recordings(extension: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(directory) = fs::read_dir(RECORDINGS) else {
        eprintln!("skipped: there are no recordings in {RECORDINGS}");
        return Vec::new();
    };
    let paths = directory.map(|entry| entry.expect("it can be listed").path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("chat-") && path.extension().is_some_and(|found| found == extension)
    };
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, fs::read(path).expect("it can be read"))
    };
    let mut found: Vec<_> = paths.filter(wanted).map(read).collect();
    found.sort();
    found
}

/// Cuts a body into pieces of 1 to 64 bytes, by a sequence that a seed begins.
fn cut(body: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let (mut pieces, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (piece, behind) = rest.split_at(rest.len().min(1 + (state >> 58) as usize));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// The measures of an answer: the words are their authors'.
fn measured(fragments: Vec<Fragment>, ended: Result<(), ModelFault>) -> String {
    let (mut collector, mut thought) = (Collector::default(), 0);
    for fragment in fragments {
        if let Fragment::Reasoning(text) = &fragment {
            thought += text.len();
        }
        collector.take(fragment);
    }
    if let Err(fault) = ended {
        return format!("{thought} bytes thought, {}", kind(&fault));
    }
    let answer = collector.finish().expect("a whole stream makes a whole answer");
    let calls: Vec<_> = answer.calls.iter().map(|call| (call.tool.as_str(), call.arguments.len())).collect();
    let usage = answer.usage.expect("every recording says what it used");
    let (said, finish) = (answer.text.len(), answer.finish);
    format!(
        "{thought} bytes thought, {said} said, calls {calls:?}, {finish:?}, {}+{} {}",
        usage.input.0, usage.output.0, usage.cost
    )
}

fn kind(fault: &ModelFault) -> &'static str {
    match fault {
        ModelFault::Refused(_) => "refused",
        ModelFault::Unavailable { .. } => "unavailable",
        ModelFault::Broken(_) => "broken",
    }
}

#[test]
fn every_recorded_stream_gives_the_same_fragments_however_it_is_cut() {
    let mut shown = String::new();
    for (name, body) in recordings("sse") {
        let whole = read([body.as_slice()]);
        assert_eq!(read(body.chunks(1)), whole, "{name} by byte");
        for seed in 0..CUTS {
            assert_eq!(read(cut(&body, seed)), whole, "{name} cut by seed {seed}");
        }
        let (fragments, ended) = whole;
        shown += &format!("{name}: {} fragments, {}\n", fragments.len(), measured(fragments, ended));
    }
    if !shown.is_empty() {
        expect![[r#"
            chat-01.sse: 8 fragments, 0 bytes thought, 0 said, calls [("get_capital", 16)], Calls, 53+15 0 µ$
            chat-02.sse: 2 fragments, 42 bytes thought, refused
            chat-03.sse: 7 fragments, 51 bytes thought, 9 said, calls [], Stop, 43+36 669 µ$
            chat-04.sse: 10 fragments, 0 bytes thought, 32 said, calls [], Stop, 78+9 0 µ$
            chat-05.sse: 8 fragments, 0 bytes thought, 0 said, calls [("alpha", 15), ("beta", 16)], Calls, 88+43 104 µ$
            chat-06.sse: 6 fragments, 0 bytes thought, 0 said, calls [("lookup_harbor_label", 2), ("lookup_orchard_label", 2)], Calls, 286+42 0 µ$
            chat-07.sse: 8 fragments, 212 bytes thought, 0 said, calls [("lookup", 19)], Calls, 635+113 1200 µ$
            chat-08.sse: 18 fragments, 0 bytes thought, 88 said, calls [], Length, 30+16 0 µ$
        "#]].assert_eq(&shown);
    }
}

#[test]
fn every_recorded_error_is_opened() {
    let mut shown = String::new();
    for (name, body) in recordings("json") {
        let value = serde_json::from_slice(&body).expect("it is JSON");
        let fault = fault::in_answer(&value).expect("it tells of an error");
        shown += &format!("{name}: {}\n", kind(&fault));
    }
    if !shown.is_empty() {
        expect![[r#"
            chat-09.json: refused
            chat-10.json: refused
            chat-11.json: refused
            chat-12.json: unavailable
            chat-13.json: unavailable
        "#]]
        .assert_eq(&shown);
    }
}
