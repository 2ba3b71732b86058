//! An approval of one call of one run. It does not carry over to a fork, an import or another call.
use super::proposed::Proposed;
use super::refusal::Refusal;
use super::running::{Executed, Journalled, RawOutput};
use domain::{Json, Recovery, Tier, ToolCall, Toolbox};
use durable::Shape;
use engine::bincode::de::{BorrowDecode, BorrowDecoder, Decode, Decoder};
use engine::bincode::{Encode, error::DecodeError};
use engine::{InstanceId, Origin, Reading, Stored, Ticket};

/// A call that may run: in the run it was approved for, and as it was then.
///
/// Its `Decode` is written by hand because it asks where the bytes come from.
#[derive(Encode, Shape)]
#[bincode(crate = "::engine::bincode")]
pub struct Approved {
    instance: InstanceId,
    position: u32,
    call: ToolCall,
    arguments: Json,
    tier: Tier,
    recovery: Recovery,
    /// Ties the approval to all of the above.
    digest: [u8; 32],
}

/// The approval belongs to another run: a fork or an import is judged again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the approval of `{tool}` was given to run {approved_for}, not to {dispatched_by}")]
pub struct Stale {
    /// The tool.
    pub tool: String,
    /// The run that the approval was given to.
    pub approved_for: InstanceId,
    /// The run that wanted to use it.
    pub dispatched_by: InstanceId,
}

impl Approved {
    pub(super) fn new(
        instance: InstanceId,
        position: u32,
        call: ToolCall,
        arguments: Json,
        tier: Tier,
        recovery: Recovery,
    ) -> Approved {
        let mut approved = Approved { instance, position, call, arguments, tier, recovery, digest: [0; 32] };
        approved.digest = approved.digest_of();
        approved
    }

    /// Keeps the approval if it was given to this run; otherwise the call is judged as if nobody had approved it.
    ///
    /// # Errors
    /// The refusal, when the call is not approved any more.
    pub fn renewed(self, instance: InstanceId, tools: &dyn Toolbox) -> Result<Approved, Refusal> {
        if self.instance == instance {
            return Ok(self);
        }
        Proposed::new(instance, self.position, self.call).judge(tools).approve()
    }

    /// Begins the call: the ticket proves that its beginning is on disk and its hold is taken. A repeated attempt
    /// comes with a ticket of its own.
    ///
    /// # Errors
    /// When the ticket belongs to another run than the approval.
    pub fn dispatch(&self, ticket: Ticket) -> Result<Journalled<'_>, Stale> {
        if ticket.instance() == self.instance {
            return Ok(Journalled::new(self, ticket));
        }
        Err(Stale {
            tool: self.call.tool.clone(),
            approved_for: self.instance,
            dispatched_by: ticket.instance(),
        })
    }

    /// Returns the tool's name.
    pub fn tool(&self) -> &str {
        &self.call.tool
    }

    /// Returns what the call can do at worst.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Says whether the call only looks: such neighbours may run side by side.
    pub fn is_read_only(&self) -> bool {
        self.tier == Tier::ReadOnly
    }

    /// Returns what a restart may do with the call when it was in flight.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Returns the call's place among the calls of its answer.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Returns the call as the model wrote it.
    pub fn call(&self) -> &ToolCall {
        &self.call
    }

    /// Ends the call with what a probe found: it was carried out before the process stopped.
    pub fn found(&self, output: RawOutput) -> Executed {
        Executed::new(self, output)
    }

    /// Returns the arguments, which fit the tool.
    pub fn arguments(&self) -> &Json {
        &self.arguments
    }

    fn digest_of(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("oxydra 2026 approval of a tool call");
        hasher.update(&self.instance.0.to_le_bytes());
        hasher.update(&self.position.to_le_bytes());
        hasher.update(&[self.tier as u8, self.recovery as u8]);
        for text in [&self.call.id, &self.call.tool, &self.call.arguments, self.arguments.as_str()] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

impl Stored for Approved {
    const NAME: &'static str = "Approved";
}

impl Decode<Reading> for Approved {
    fn decode<D: Decoder<Context = Reading>>(decoder: &mut D) -> Result<Self, DecodeError> {
        match decoder.context().origin() {
            Origin::OwnJournal => {}
            Origin::Imported => return Err(DecodeError::Other("an imported approval is no approval here")),
        }
        let approved = Approved {
            instance: Decode::decode(decoder)?,
            position: Decode::decode(decoder)?,
            call: Decode::decode(decoder)?,
            arguments: Decode::decode(decoder)?,
            tier: Decode::decode(decoder)?,
            recovery: Decode::decode(decoder)?,
            digest: Decode::decode(decoder)?,
        };
        if approved.digest != approved.digest_of() {
            return Err(DecodeError::Other("the approval was given to another call"));
        }
        Ok(approved)
    }
}

impl<'a> BorrowDecode<'a, Reading> for Approved {
    fn borrow_decode<D: BorrowDecoder<'a, Context = Reading>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Decode::decode(decoder)
    }
}

impl std::fmt::Debug for Approved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Approved({} {} of {})", self.position, self.call.tool, self.instance)
    }
}
