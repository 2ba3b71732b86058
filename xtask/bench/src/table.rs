//! What was measured, as a table for people or as JSON lines for tools. A row that could not be measured says why.
use crate::measure::{Pairs, percentile};
use std::fmt::Write;

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    found: Found,
}

#[derive(Debug)]
enum Found {
    Measured(Measured),
    NotMeasured(String),
}

/// Ours against the yardstick.
#[derive(Debug)]
struct Measured {
    unit: Unit,
    p50: f64,
    p90: f64,
    /// What it is measured against, and how the pairs compare; none where nothing compares.
    yardstick: Option<(f64, f64)>,
    /// What must not be exceeded; none where a number is only shown.
    target: Option<Target>,
    pairs: usize,
    note: String,
}

/// A bound that is to be met.
#[derive(Debug, Clone, Copy)]
enum Target {
    Ratio(f64),
    Value(f64),
}

/// What the numbers of a row count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Instructions,
    Bytes,
    BytesPerSecond,
    Count,
}

impl Row {
    /// A measurement.
    pub(crate) fn new(name: impl Into<String>, unit: Unit, pairs: &Pairs) -> Row {
        let measured = Measured {
            unit,
            p50: pairs.ours(50),
            p90: pairs.ours(90),
            yardstick: Some((pairs.yardstick(50), pairs.ratio())),
            target: None,
            pairs: pairs.len(),
            note: String::new(),
        };
        Row { name: name.into(), found: Found::Measured(measured) }
    }

    /// Numbers that nothing is held against.
    pub(crate) fn alone(name: impl Into<String>, unit: Unit, values: &[f64]) -> Row {
        let measured = Measured {
            unit,
            p50: percentile(values, 50),
            p90: percentile(values, 90),
            yardstick: None,
            target: None,
            pairs: values.len(),
            note: String::new(),
        };
        Row { name: name.into(), found: Found::Measured(measured) }
    }

    /// Says that nothing was measured, and why.
    pub(crate) fn not_measured(name: impl Into<String>, why: impl Into<String>) -> Row {
        Row { name: name.into(), found: Found::NotMeasured(why.into()) }
    }

    /// Sets the ratio that is to be met.
    pub(crate) fn at_most(self, ratio: f64) -> Row {
        self.with(|measured| measured.target = Some(Target::Ratio(ratio)))
    }

    /// Sets the median that is to be met.
    pub(crate) fn at_most_each(self, value: f64) -> Row {
        self.with(|measured| measured.target = Some(Target::Value(value)))
    }

    /// Adds a remark.
    pub(crate) fn note(self, note: impl Into<String>) -> Row {
        self.with(|measured| measured.note = note.into())
    }

    fn with(mut self, change: impl FnOnce(&mut Measured)) -> Row {
        if let Found::Measured(measured) = &mut self.found {
            change(measured);
        }
        self
    }

    /// One line of JSON.
    pub(crate) fn json(&self) -> String {
        let name = quoted(&self.name);
        match &self.found {
            Found::NotMeasured(why) => format!("{{\"name\":{name},\"not_measured\":{}}}", quoted(why)),
            Found::Measured(it) => {
                let target = match it.target {
                    None => String::new(),
                    Some(Target::Ratio(bound)) => format!("\"target_ratio\":{bound},\"met\":{},", it.met()),
                    Some(Target::Value(bound)) => format!("\"target_p50\":{bound},\"met\":{},", it.met()),
                };
                let against = it.yardstick.map_or_else(String::new, |(yardstick, ratio)| {
                    format!("\"yardstick_p50\":{yardstick:.1},\"ratio\":{ratio:.3},")
                });
                format!(
                    "{{\"name\":{name},\"unit\":\"{}\",\"p50\":{:.1},\"p90\":{:.1},{against}\
                     {target}\"pairs\":{},\"note\":{}}}",
                    it.unit.name(),
                    it.p50,
                    it.p90,
                    it.pairs,
                    quoted(&it.note)
                )
            }
        }
    }

    /// One line of the table.
    pub(crate) fn line(&self) -> String {
        match &self.found {
            Found::NotMeasured(why) => format!("{:<44} not measured: {why}", self.name),
            Found::Measured(it) => {
                let target = match it.target {
                    None => String::from("-"),
                    Some(Target::Ratio(bound)) => format!("{bound:.2} x"),
                    Some(Target::Value(bound)) => it.unit.shown(bound),
                };
                let met = match (it.target, it.met()) {
                    (None, _) => "",
                    (Some(_), true) => "yes",
                    (Some(_), false) => "NO",
                };
                let nothing = || ("-".to_owned(), "-".to_owned());
                let (yardstick, ratio) = it.yardstick.map_or_else(nothing, |(yardstick, ratio)| {
                    (it.unit.shown(yardstick), format!("{ratio:.3}"))
                });
                format!(
                    "{:<44} {:>9} {:>9} {yardstick:>9} {ratio:>8} {:>9} {:<3} {:>5}  {}",
                    self.name,
                    it.unit.shown(it.p50),
                    it.unit.shown(it.p90),
                    target,
                    met,
                    it.pairs,
                    it.note
                )
            }
        }
    }
}

impl Measured {
    fn met(&self) -> bool {
        match self.target {
            None => true,
            Some(Target::Ratio(bound)) => self.yardstick.is_some_and(|(_, ratio)| ratio <= bound),
            Some(Target::Value(bound)) => self.p50 <= bound,
        }
    }
}

/// What stands above the lines.
pub(crate) fn heading() -> String {
    format!(
        "{:<44} {:>9} {:>9} {:>9} {:>8} {:>9} {:<3} {:>5}  note",
        "", "p50", "p90", "yardstick", "ratio", "target", "met", "pairs"
    )
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "ns",
            Unit::Instructions => "instructions",
            Unit::Bytes => "bytes",
            Unit::BytesPerSecond => "bytes/s",
            Unit::Count => "count",
        }
    }

    fn shown(self, value: f64) -> String {
        match self {
            Unit::Nanoseconds => match value {
                ns if ns < 1e4 => format!("{ns:.0} ns"),
                ns if ns < 1e7 => format!("{:.1} us", ns / 1e3),
                ns if ns < 1e10 => format!("{:.1} ms", ns / 1e6),
                ns => format!("{:.1} s", ns / 1e9),
            },
            Unit::Instructions => format!("{value:.0} i"),
            Unit::Bytes => format!("{value:.0} B"),
            Unit::BytesPerSecond => format!("{:.1} MiB/s", value / f64::from(1 << 20)),
            Unit::Count => format!("{value:.0}"),
        }
    }
}

/// A text in JSON.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn row() -> Row {
        let mut pairs = Pairs::default();
        for (ours, other) in [(230e3, 200e3), (250e3, 200e3), (250e3, 200e3)] {
            pairs.push(ours, other);
        }
        Row::new("append", Unit::Nanoseconds, &pairs).at_most(1.3)
    }

    #[test]
    fn a_row_says_whether_its_target_is_met() {
        expect!["append                                        250.0 us  250.0 us  200.0 us    1.250    1.30 x yes     3  "]
            .assert_eq(&row().line());
        expect!["append                                        250.0 us  250.0 us  200.0 us    1.250    1.15 x NO      3  "]
            .assert_eq(&row().at_most(1.15).line());
        expect!["append                                        250.0 us  250.0 us  200.0 us    1.250  300.0 us yes     3  "]
            .assert_eq(&row().at_most_each(3e5).line());
    }

    #[test]
    fn numbers_that_nothing_is_held_against_have_a_bound_or_none() {
        let speed = Row::alone("stream", Unit::BytesPerSecond, &[3.5 * 1048576.0]);
        expect!["stream                                       3.5 MiB/s 3.5 MiB/s         -        -         -         1  "].assert_eq(&speed.line());
        expect![[
            r#"{"name":"stream","unit":"bytes/s","p50":3670016.0,"p90":3670016.0,"pairs":1,"note":""}"#
        ]]
        .assert_eq(&speed.json());
        let whole = |seconds: f64| Row::alone("lane", Unit::Nanoseconds, &[seconds * 1e9]).at_most_each(3e11);
        expect!["lane                                            85.2 s    85.2 s         -        -   300.0 s yes     1  "].assert_eq(&whole(85.2).line());
        expect!["lane                                           301.0 s   301.0 s         -        -   300.0 s NO      1  "].assert_eq(&whole(301.0).line());
    }

    #[test]
    fn json_is_one_line_whatever_a_note_says() {
        expect![[r#"{"name":"append","unit":"ns","p50":250000.0,"p90":250000.0,"yardstick_p50":200000.0,"ratio":1.250,"target_ratio":1.3,"met":true,"pairs":3,"note":"\"a\"\u000ab"}"#]]
            .assert_eq(&row().note("\"a\"\nb").json());
        expect![[r#"{"name":"x","not_measured":"no valgrind"}"#]]
            .assert_eq(&Row::not_measured("x", "no valgrind").json());
    }
}
