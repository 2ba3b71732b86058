//! The kinds of steps in the nested lane, and how long each may take before the machine is taken to stand still. What runs
//! within announces a step before it begins; whoever started the emulator holds the clock, for that one's own lies.
use std::{fmt, time::Duration};

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The emulated machine, from nothing to the lane's first word.
    FirstLevel,
    /// A guest's kernel, to its agent.
    Boot,
    /// A command or two, and what becomes of their processes.
    Command,
    /// As many processes as a guest lets its commands start, and the end of them.
    Bomb,
    /// Ten mebibytes of output.
    Stream,
    /// A thousand files pushed, changed, pulled and applied.
    Workspace,
    /// A guest's memory, written down.
    Snapshot,
    /// A guest from a snapshot, to its first command.
    Restore,
    /// The end of a guest.
    PowerOff,
    /// Some dozens of guests of a few instructions, one after the other.
    BareGuests,
}

/// A machine of two processors at a load of twenty took fourteen times as long for a boot as an idle one, and got there.
const BUSY: u32 = 20;
/// The emulator of a busy machine may not be scheduled for a while, however short the step.
const LEAST: Duration = Duration::from_secs(60);

impl Step {
    /// Every kind.
    const ALL: [Step; 10] = [
        Step::FirstLevel,
        Step::Boot,
        Step::Command,
        Step::Bomb,
        Step::Stream,
        Step::Workspace,
        Step::Snapshot,
        Step::Restore,
        Step::PowerOff,
        Step::BareGuests,
    ];

    fn name(self) -> &'static str {
        match self {
            Step::FirstLevel => "the first level",
            Step::Boot => "boot",
            Step::Command => "command",
            Step::Bomb => "every process",
            Step::Stream => "stream",
            Step::Workspace => "workspace",
            Step::Snapshot => "snapshot",
            Step::Restore => "restore",
            Step::PowerOff => "power off",
            Step::BareGuests => "bare guests",
        }
    }

    /// What it took on an idle machine with two processors, rounded up.
    fn idle(self) -> Duration {
        Duration::from_secs(match self {
            Step::FirstLevel => 6,
            Step::Boot => 9,
            Step::Command | Step::Restore => 1,
            Step::Stream | Step::Snapshot | Step::PowerOff => 2,
            Step::Workspace => 5,
            Step::Bomb => 15,
            Step::BareGuests => 10,
        })
    }

    /// How long it may take.
    pub(crate) fn patience(self) -> Duration {
        (self.idle() * BUSY).max(LEAST)
    }

    /// Finds the one that was announced.
    pub(crate) fn named(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// Announces a step, within.
pub(crate) fn next(step: Step) {
    println!("LANE next {step}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn each_step_is_found_by_its_name_and_has_room_on_a_busy_machine() {
        let mut table = String::new();
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()), Some(step));
            table += &format!("{step} {} s\n", step.patience().as_secs());
        }
        assert_eq!(Step::named("dance"), None);
        expect![[r#"
            the first level 120 s
            boot 180 s
            command 60 s
            every process 300 s
            stream 60 s
            workspace 100 s
            snapshot 60 s
            restore 60 s
            power off 60 s
            bare guests 200 s
        "#]]
        .assert_eq(&table);
    }
}
