//! Times of what happens within an emulated machine, by the clock of this one: that one's own lies. Beginnings and ends come
//! as lines, and so do counts.
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// Says that something begins, within.
pub(crate) fn begin(what: &str) {
    println!("LANE begin {what}");
}

/// Says that it ended.
pub(crate) fn end(what: &str) {
    println!("LANE end {what}");
}

/// Says a number: a count, or a time by a clock that is good enough for it.
pub(crate) fn count(what: &str, number: u64) {
    println!("LANE count {number} {what}");
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    open: BTreeMap<String, Instant>,
    spans: BTreeMap<String, Vec<Duration>>,
    counts: BTreeMap<String, Vec<u64>>,
}

impl Spans {
    /// A line for each time, under another word than that of what was measured by the clock.
    pub(crate) fn lines(&self, word: &str) -> String {
        let line = |(what, spans): (&String, &Vec<Duration>)| {
            let spans = spans.iter().map(|span| format!(" {:.1}", span.as_secs_f64() * 1e3));
            format!("{word} {what}:{} ms\n", spans.collect::<String>())
        };
        self.spans.iter().map(line).collect()
    }

    /// Takes what was said at a moment. Returns whether it was for us.
    pub(crate) fn hear(&mut self, said: &str, at: Instant) -> bool {
        let Some((word, rest)) = said.split_once(' ') else { return false };
        match word {
            "begin" => {
                self.open.insert(rest.to_owned(), at);
            }
            "end" => {
                if let Some(since) = self.open.remove(rest) {
                    self.spans.entry(rest.to_owned()).or_default().push(at.saturating_duration_since(since));
                }
            }
            "count" => {
                let Some((number, what)) = rest.split_once(' ') else { return false };
                let Ok(number) = number.parse() else { return false };
                self.counts.entry(what.to_owned()).or_default().push(number);
            }
            _other => return false,
        }
        true
    }

    /// The middle one of the times that something took.
    pub(crate) fn middle(&self, what: &str) -> Option<Duration> {
        self.spans.get(what).and_then(|spans| middle(spans))
    }

    /// How many of one fit into another.
    pub(crate) fn ratio(&self, large: &str, small: &str) -> Option<f64> {
        Some(self.middle(large)?.as_secs_f64() / self.middle(small)?.as_secs_f64())
    }
}

fn middle<T: Ord + Copy>(all: &[T]) -> Option<T> {
    let mut all = all.to_vec();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

/// A line for each thing that was measured, every time it was, in the order in which it was.
impl fmt::Display for Spans {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.lines("measured"))?;
        for (what, numbers) in &self.counts {
            write!(to, "measured {what}:")?;
            numbers.iter().try_for_each(|number| write!(to, " {number}"))?;
            writeln!(to)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn times_are_of_here_and_counts_of_there() {
        let (mut spans, start) = (Spans::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        for (line, millis) in [
            ("begin boot", 0),
            ("end boot", 5000),
            ("begin restore", 6000),
            ("end restore", 6100),
            ("begin restore", 7000),
            ("end restore", 7300),
            ("begin restore", 8000),
            ("end restore", 8200),
            ("count 70 pages", 0),
        ] {
            assert!(spans.hear(line, at(millis)), "{line}");
        }
        for line in ["ok boot", "whole", "count many pages", "count 7"] {
            assert!(!spans.hear(line, at(0)), "{line}");
        }
        // An end without a beginning is nothing.
        assert!(spans.hear("end nothing", at(0)));
        assert_eq!(spans.ratio("boot", "restore"), Some(25.0));
        assert_eq!(spans.ratio("boot", "nothing"), None);
        expect![[r#"
            measured boot: 5000.0 ms
            measured restore: 100.0 300.0 200.0 ms
            measured pages: 70
        "#]]
        .assert_eq(&spans.to_string());
    }
}
