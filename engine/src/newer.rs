//! Journals of a newer build: refused with the version that can read them, and not with what to write into this one.
use crate::{Refused, graph::Meta, ledger::Ledger, standing::Standing};

/// Refuses a living run that a newer version of its graph began, or left in a state or with an event of a shape that only
/// newer ones write. A run of an older version is none of its business.
pub(crate) fn refused(
    ledger: &Ledger,
    run: &Standing,
    ours: &Meta,
    is_known: impl Fn(u64, u64) -> bool,
) -> Result<(), Refused> {
    let encoded = std::iter::once(&run.state).chain(run.mail.iter().map(|(_, payload)| payload));
    let unknown = encoded.filter(|it| !is_known(it.tag, it.shape));
    let first = unknown.filter_map(|it| ledger.names.first_version(run.graph, it.tag, it.shape));
    let needed = first.chain([run.version]).max().unwrap_or(run.version);
    if needed <= ours.version {
        return Ok(());
    }
    let (graph, state) = (ours.name, ledger.names.state(run.graph, run.state.tag));
    Err(Refused(format!(
        "the journal holds a living run of graph `{graph}` v{needed} in state `{state}`, and this build has v{}: open it \
         with a build that has v{needed} or later",
        ours.version
    )))
}
