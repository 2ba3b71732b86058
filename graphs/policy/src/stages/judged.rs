//! A call with a verdict about it. The verdict is drawn from facts alone; whether it runs is the gate's affair.
use super::approved::Approved;
use super::refusal::{Cause, Refusal};
use crate::gate;
use domain::{Json, Recovery, Tier, ToolCall};
use engine::{InstanceId, sealed};

/// A call that has been looked at.
#[sealed]
#[derive(Debug)]
pub struct Judged {
    pub(super) instance: InstanceId,
    pub(super) position: u32,
    pub(super) call: ToolCall,
    pub(super) verdict: Verdict,
}

/// What the facts say of a call.
#[sealed]
#[derive(Debug)]
pub(super) enum Verdict {
    /// The tool exists and the arguments fit it.
    Fits { arguments: Json, tier: Tier, recovery: Recovery },
    /// The arguments do not fit: why.
    Misfit(String),
    /// There is no such tool.
    Unknown { near: Option<String>, known: Vec<String> },
}

impl Judged {
    /// Passes the tier gate: what looks and what changes files of the workspace approves itself.
    ///
    /// # Errors
    /// The refusal, when the call does not fit its tool or its tier needs somebody who can be asked.
    pub fn approve(self) -> Result<Approved, Refusal> {
        let Judged { instance, position, call, verdict } = self;
        let refuse = |call, cause| Err(Refusal { position, call, cause: Box::new(cause) });
        match verdict {
            Verdict::Fits { arguments, tier, recovery } => match gate::admits(tier) {
                Ok(()) => Ok(Approved::new(instance, position, call, arguments, tier, recovery)),
                Err(_) => refuse(call, Cause::NotAllowed(tier)),
            },
            Verdict::Misfit(why) => refuse(call, Cause::Misfit(why)),
            Verdict::Unknown { near, known } => refuse(call, Cause::Unknown { near, known }),
        }
    }
}
