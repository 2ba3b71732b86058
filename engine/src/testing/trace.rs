//! Prints what runs did, one line each: `Drafting [draft] → Approving → Published.` It shows no ids, times or texts of
//! faults that were cured, so that equal stories print equal lines.
use crate::{
    InstanceId,
    observe::{Observed, Observer},
};
use std::{
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Writing into a string has no way to fail.
const INTO_MEMORY: &str = "a string takes what is written to it";

/// An observer that prints. Its clones write to the same page.
#[derive(Clone, Default)]
pub struct Trace {
    /// In the order in which the runs began or came back.
    lines: Arc<Mutex<Vec<(InstanceId, String)>>>,
}

impl Trace {
    /// An empty page.
    pub fn new() -> Trace {
        Trace::default()
    }

    /// Returns what happened since the last time, and begins a new page.
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.lines()).into_iter().map(|(_, line)| line + "\n").collect()
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(InstanceId, String)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Trace {
    fn observe(&self, instance: InstanceId, observed: &Observed<'_>) {
        let mut lines = self.lines();
        // A run that comes back begins a line of its own, as the process does a life of its own.
        let known = lines.iter().rposition(|(run, _)| *run == instance);
        let at = known.filter(|_| !matches!(observed, Observed::Resumed { .. })).unwrap_or_else(|| {
            lines.push((instance, String::new()));
            lines.len() - 1
        });
        let line = &mut lines[at].1;
        match observed {
            Observed::Started { graph, state, parent: None } => write!(line, "{graph}: {state}"),
            Observed::Started { graph, state, parent: Some(_) } => write!(line, "  {graph}: {state}"),
            Observed::Resumed { graph, state, .. } => write!(line, "{graph}: … {state}"),
            Observed::Moved { to, .. } => write!(line, " → {to}"),
            Observed::EffectBegan { name, attempt: 1 } => write!(line, " [{name}"),
            Observed::EffectBegan { name, attempt } => write!(line, " [{name} #{attempt}"),
            Observed::EffectDone { .. } => write!(line, "]"),
            Observed::EffectFailed { .. } => write!(line, " failed]"),
            Observed::Retrying { attempt, .. } => write!(line, " (try {attempt})"),
            Observed::Stopped { why, .. } => write!(line, " ✗ {why}"),
            Observed::Parked { why, .. } => write!(line, " ‖ {why}"),
            Observed::Ended { .. } => write!(line, "."),
        }
        .expect(INTO_MEMORY);
    }
}
