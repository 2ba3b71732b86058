//! The tier gate: which calls run without anybody being asked. It grants nothing that depends on who asks.
use domain::Tier;

/// Says whether calls of a tier approve themselves.
///
/// # Errors
/// What stands in the way, as the end of a sentence that begins with the tool's name.
pub(crate) fn admits(tier: Tier) -> Result<(), &'static str> {
    match tier {
        Tier::ReadOnly | Tier::Workspace => Ok(()),
        Tier::SideEffecting => {
            Err("changes something outside the workspace, which needs an approval, and nobody can be asked")
        }
        Tier::Privileged => {
            Err("runs code or holds credentials, which needs an approval, and nobody can be asked")
        }
    }
}
