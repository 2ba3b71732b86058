//! What became of the lanes, and the sum of what the test runners said. A lane that did not run is named with the reason.
use std::{fmt, time::Duration};

/// What became of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every test passed.
    Passed,
    /// Something failed, or did not compile.
    Failed,
    /// It was not run, and why.
    Skipped(&'static str),
}

/// What test runners counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
    measured: u64,
    filtered_out: u64,
    /// Of those that passed, who said that they did nothing.
    idle: u64,
}

/// What a test says that could not do its work here, past its runner, which calls it passed.
const IDLE: &str = "SKIPPED";

impl Counts {
    /// Takes a line of output: a runner's closing line counts, and that a test did nothing; others do not.
    pub(crate) fn take(&mut self, line: &str) {
        // A runner with one thread has said the test's name by then.
        let said = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "))
            .map_or(line, |(_, said)| said);
        self.idle += u64::from(said.starts_with(IDLE));
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                "measured" => self.measured += number,
                "filtered out" => self.filtered_out += number,
                // A runner of the future may count more.
                _ => {}
            }
        }
    }
}

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lanes: Vec<(&'static str, Outcome, Counts, Duration)>,
}

impl Report {
    /// Notes what became of a lane.
    pub(crate) fn add(&mut self, lane: &'static str, outcome: Outcome, counts: Counts, took: Duration) {
        self.lanes.push((lane, outcome, counts, took));
    }

    /// Says whether no lane failed and one ran.
    pub(crate) fn passed(&self) -> bool {
        let ran = self.lanes.iter().any(|(_, outcome, ..)| *outcome == Outcome::Passed);
        ran && !self.lanes.iter().any(|(_, outcome, ..)| *outcome == Outcome::Failed)
    }
}

/// One line per lane, then one line in the form of a test runner's last, for those who read only that.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nlanes")?;
        for (lane, outcome, counts, took) in &self.lanes {
            match outcome {
                Outcome::Passed => {
                    let Counts { passed, idle, .. } = counts;
                    let idle =
                        if *idle > 0 { format!(", {idle} of which did nothing") } else { String::new() };
                    writeln!(f, "  {lane:<8} passed   {passed} tests{idle} in {:.1}s", took.as_secs_f32())?
                }
                Outcome::Failed => writeln!(
                    f,
                    "  {lane:<8} FAILED   {} tests failed, in {:.1}s",
                    counts.failed,
                    took.as_secs_f32()
                )?,
                Outcome::Skipped(why) => writeln!(f, "  {lane:<8} skipped  {why}")?,
            }
        }
        let mut total = Counts::default();
        let mut took = Duration::ZERO;
        for (_, _, counts, lane_took) in &self.lanes {
            total.passed += counts.passed;
            total.failed += counts.failed;
            total.ignored += counts.ignored;
            total.measured += counts.measured;
            total.filtered_out += counts.filtered_out;
            took += *lane_took;
        }
        let verdict = if self.passed() { "ok" } else { "FAILED" };
        let Counts { passed, failed, ignored, measured, filtered_out, idle: _ } = total;
        write!(f, "\ntest result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; ")?;
        write!(f, "{measured} measured; {filtered_out} filtered out; finished in {:.2}s", took.as_secs_f32())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Counts {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.take(line));
        counts
    }

    #[test]
    fn closing_lines_are_added_up_and_others_are_not() {
        let counts = counted(&[
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 5 passed; 1 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.10s",
            "the test result: ok. 100 passed; said a test",
            "test result: nonsense",
        ]);
        assert_eq!(
            counts,
            Counts { passed: 7, failed: 1, ignored: 1, measured: 0, filtered_out: 7, idle: 0 }
        );
    }

    #[test]
    fn tests_that_did_nothing_are_told_apart() {
        let counts = counted(&[
            "SKIPPED: /dev/kvm does not open",
            "test a_guest_ends ... SKIPPED: /dev/kvm does not open",
            "what says SKIPPED elsewhere is another's",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; x",
        ]);
        let mut report = Report::default();
        report.add("unit", Outcome::Passed, counts, Duration::from_secs(1));
        assert!(report.to_string().contains("unit     passed   3 tests, 2 of which did nothing in 1.0s\n"));
    }

    #[test]
    fn a_report_says_what_ran_and_ends_like_a_test_runner() {
        let mut report = Report::default();
        let counts =
            counted(&["test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; x"]);
        report.add("unit", Outcome::Passed, counts, Duration::from_millis(1_500));
        report.add("vm", Outcome::Skipped("needs qemu"), Counts::default(), Duration::ZERO);
        assert!(report.passed());
        assert_eq!(
            report.to_string(),
            "\nlanes\n  unit     passed   2 tests in 1.5s\n  vm       skipped  needs qemu\n\ntest result: ok. 2 passed; 0 failed; \
             0 ignored; 0 measured; 0 filtered out; finished in 1.50s"
        );
    }

    #[test]
    fn what_does_not_compile_or_does_not_run_is_not_green() {
        let mut report = Report::default();
        report.add("vm", Outcome::Skipped("needs qemu"), Counts::default(), Duration::ZERO);
        assert!(!report.passed(), "nothing ran");
        report.add("unit", Outcome::Failed, Counts::default(), Duration::ZERO);
        assert!(!report.passed());
        assert!(report.to_string().contains("test result: FAILED. 0 passed; 0 failed;"));
    }
}
