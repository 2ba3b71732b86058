//! The monitor's tests from the outside, run in the first level: guests of a few instructions, the hostile among them, for
//! which a machine of one's own needs a KVM. They are built beside this program, which only starts them and counts.
use crate::{
    Fallible, failed,
    step::{Step, next},
    work::done,
};
use std::{env, path::PathBuf, process::Command};

/// What names the program for whoever builds the first level, and where that has it.
const PROGRAM: (&str, &str) = ("OXYDRA_BARE_GUESTS", "bin/bare-guests");
/// Which monitor it starts, where the one beside it is not.
const MONITOR: (&str, &str) = ("OXYDRA_TESTED_VMM", "/bin/oxydra-vmm");

/// How many calls make a flood: some hundred conversations there may be at once, and ten thousand take minutes in here.
const CALLS: (&str, &str) = ("OXYDRA_TESTED_CALLS", "1000");

/// Where it is, for the first level's files; none where nobody built it.
pub(crate) fn program() -> Option<(String, PathBuf)> {
    env::var_os(PROGRAM.0).map(|program| (PROGRAM.1.to_owned(), program.into()))
}

/// Runs the steps.
pub(crate) fn bare_guests() -> Fallible<()> {
    next(Step::BareGuests);
    let mut command = Command::new(format!("/{}", PROGRAM.1));
    let output = command.arg("--test-threads=1").envs([MONITOR, CALLS]).output();
    let output = output.map_err(failed("start the bare guests, which `cargo xtask guest lane` builds"))?;
    let (said, aside) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = passed(&said).filter(|_| output.status.success());
    let passed = passed.ok_or_else(|| format!("bare guests: {}\n{said}{aside}", output.status))?;
    for line in said.lines().filter(|line| line.contains("SKIPPED")) {
        println!("LANE {line}");
    }
    done(&format!("{passed} tests of bare guests, the hostile among them, jailed and filtered"));
    Ok(())
}

/// How many tests passed, if all did and there were some.
fn passed(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("test result: ok. ")?;
    rest.split_once(" passed; 0 failed")
        .and_then(|(number, _)| number.parse().ok())
        .filter(|passed| *passed > 0)
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn tests_that_failed_or_were_none_did_not_pass() {
        assert_eq!(passed("running 3 tests\n\ntest result: ok. 2 passed; 0 failed; 1 ignored\n"), Some(2));
        for said in
            ["", "test result: FAILED. 2 passed; 1 failed;", "test result: ok. 0 passed; 0 failed; 3 ignored"]
        {
            assert_eq!(passed(said), None, "{said}");
        }
    }
}
