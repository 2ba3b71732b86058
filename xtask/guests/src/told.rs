//! What was heard from within an emulated machine: which step it is in and since when, how many are done, what took how long,
//! and how it ended. It waits for nothing; whoever does asks it how long.
use crate::{spans::Spans, step::Step};
use std::time::{Duration, Instant};

/// What was heard.
pub(crate) struct Told {
    /// How many steps are done.
    pub(crate) steps: usize,
    /// Times and counts.
    pub(crate) spans: Spans,
    /// The same times, by how long the emulator worked.
    pub(crate) worked: Spans,
    step: Step,
    /// When the lane last said something.
    since: Instant,
    failure: Option<String>,
    is_whole: bool,
}

impl Told {
    /// Nothing yet, from a machine that was started at this moment.
    pub(crate) fn new(at: Instant) -> Told {
        Told {
            steps: 0,
            spans: Spans::default(),
            worked: Spans::default(),
            step: Step::FirstLevel,
            since: at,
            failure: None,
            is_whole: false,
        }
    }

    /// How long the step that is under way may still take. A machine that talks stands still as well: what counts is what the
    /// lane says.
    pub(crate) fn left(&self, at: Instant) -> Duration {
        self.step.patience().saturating_sub(at.saturating_duration_since(self.since))
    }

    /// Says which step did not come to an end.
    pub(crate) fn stands(&self, at: Instant) -> String {
        format!(
            "the step `{}` did not come to an end within {} seconds, behind {} that did",
            self.step,
            at.saturating_duration_since(self.since).as_secs(),
            self.steps
        )
    }

    /// Takes a line of the console, and returns what a person wants to see of it.
    pub(crate) fn hear<'a>(&mut self, line: &'a str, at: Instant) -> Option<&'a str> {
        if let Some(failure) = &mut self.failure {
            // What the first level says of itself after that.
            *failure = format!("{failure}\n{line}");
        }
        // The console may put something of its own in front.
        let (_, said) = line.split_once("LANE ")?;
        self.since = at;
        if self.step == Step::FirstLevel {
            // A lane that announces nothing has no longer one.
            self.step = Step::Boot;
        }
        if let Some(name) = said.strip_prefix("next ") {
            match Step::named(name) {
                Some(step) => self.step = step,
                None => self.fail(&format!("the lane announces a step `{name}`, and there is none")),
            }
            return None;
        }
        if self.spans.hear(said, at) {
            return None;
        }
        if said.starts_with("ok ") {
            self.steps += 1;
        } else if said.starts_with("FAILED ") {
            self.fail(said);
        }
        self.is_whole |= said == "whole";
        Some(said)
    }

    /// Takes the same line, at the moment that the emulator's own work makes it.
    pub(crate) fn worked(&mut self, line: &str, at: Instant) {
        if let Some((_, said)) = line.split_once("LANE ") {
            self.worked.hear(said, at);
        }
    }

    fn fail(&mut self, why: &str) {
        self.failure.get_or_insert_with(|| why.to_owned());
    }

    /// How it ended, when the machine has: what failed, or whether the lane got to its end.
    pub(crate) fn ended(&mut self) -> Result<bool, String> {
        self.failure.take().map_or(Ok(self.is_whole), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    /// What is left, and what is shown, after lines that each come after so many seconds.
    fn heard(lines: &[(u64, &str)]) -> (Told, Instant, Vec<u64>) {
        let start = Instant::now();
        let (mut told, mut at, mut left) = (Told::new(start), start, Vec::new());
        for (seconds, line) in lines {
            at += Duration::from_secs(*seconds);
            told.hear(line, at);
            left.push(told.left(at).as_secs());
        }
        (told, at, left)
    }

    #[test]
    fn a_machine_that_only_talks_stands_still() {
        let (told, at, left) = heard(&[
            (5, "[    1.0] Linux"),
            (1, "LANE ok the first level is up"),
            (1, "LANE next command"),
            (50, "[   20.0] a driver says something"),
            (5, "[   25.0] and again"),
        ]);
        assert_eq!(left, [115, 180, 60, 10, 5]);
        expect!["the step `command` did not come to an end within 55 seconds, behind 1 that did"]
            .assert_eq(&told.stands(at));
    }

    #[test]
    fn steps_restart_the_clock_and_spans_are_kept() {
        let (mut told, _, left) = heard(&[
            (9, "LANE next boot"),
            (170, "LANE begin boot"),
            (170, "LANE end boot"),
            (1, "[  1.0] x LANE ok our monitor boots"),
            (1, "LANE next workspace"),
            (99, "LANE whole"),
        ]);
        assert_eq!(left, [180, 180, 180, 180, 100, 100]);
        assert_eq!((told.steps, told.spans.middle("boot")), (1, Some(Duration::from_secs(170))));
        assert_eq!(told.ended(), Ok(true));
    }

    #[test]
    fn the_first_failure_counts_and_what_is_said_after_it_is_kept() {
        let (mut told, _, _) =
            heard(&[(1, "LANE FAILED exit 3: 4"), (1, "WHERE 1 init"), (1, "LANE FAILED again")]);
        assert_eq!(told.ended().unwrap_err(), "FAILED exit 3: 4\nWHERE 1 init\nLANE FAILED again");
        let (mut told, _, _) = heard(&[(1, "LANE next dance")]);
        assert_eq!(told.ended().unwrap_err(), "the lane announces a step `dance`, and there is none");
        let (mut told, _, _) = heard(&[(1, "LANE ok the first level is up")]);
        assert_eq!(told.ended(), Ok(false));
    }
}
