//! Reading an answer: from its bytes to fragments, against `serde_json` over the JSON in the same bytes.
use super::{APIS, bodies};
use crate::{
    Scale,
    measure::{Pairs, timed},
    table::{Row, Unit},
};
use providers::testing::parse;
use serde_json::Value;
use std::hint::black_box;

/// The words of an answer: so few that both are read within one slice of a busy machine.
const WORDS: usize = 400;

/// At least half as fast.
const RATIO_MAX: f64 = 2.0;

pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    APIS.iter()
        .map(|(api, name)| {
            let body = bodies::answer(*api, WORDS);
            let lines: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            let lines: Vec<&str> = lines.into_iter().filter(|data| data.starts_with('{')).collect();
            let pairs = Pairs::in_turns(
                scale.patience(),
                || timed(|| assert!(parse(*api, black_box(body.as_bytes())) > WORDS)).0,
                || timed(|| lines.iter().for_each(|data| drop(black_box(values(data))))).0,
            );
            let megabytes = body.len() as f64 / 1e6;
            let speed = megabytes / (pairs.ours(50) / 1e9);
            Row::new(format!("reading an answer, {name}"), Unit::Nanoseconds, &pairs)
                .at_most(RATIO_MAX)
                .note(format!("{megabytes:.1} MB, {speed:.0} MB/s"))
        })
        .collect()
}

fn values(data: &str) -> Value {
    serde_json::from_str(data).expect("it is JSON")
}
