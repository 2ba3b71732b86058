//! What a tool is to everybody but itself.
use crate::{Json, NotJson};
use durable::durable;

/// What a call of a tool can do at worst. Policy decides by it.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tier {
    /// Looks, changes nothing.
    ReadOnly,
    /// Changes files of the user's own workspace.
    Workspace,
    /// Changes something outside it.
    SideEffecting,
    /// Runs code or holds credentials.
    Privileged,
}

/// What a restart may do with a call that was in flight.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recovery {
    /// Run it again: it changes nothing.
    Pure,
    /// Repeat it with the same key: the second time changes nothing.
    Keyed,
    /// Collect it from the guest that ran it.
    GuestLocal,
    /// Ask whether it happened.
    Probeable,
    /// Ask a human.
    Opaque,
}

/// A tool as the model and the policy see it.
#[durable]
#[derive(Clone, PartialEq, Debug)]
pub struct ToolSpec {
    /// Its name, as the model calls it.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON schema of its arguments.
    pub parameters: Json,
    /// What a call can do at worst.
    pub tier: Tier,
    /// What a restart may do with a call in flight.
    pub recovery: Recovery,
}

/// The tools that a turn may propose to call.
pub trait Toolbox: Send + Sync {
    /// Every tool, in a stable order.
    fn specs(&self) -> Vec<ToolSpec>;

    /// Reads the arguments as the model wrote them: canonical JSON that fits the tool's schema.
    ///
    /// # Errors
    /// What is wrong with them, in words that help a model to write them again.
    fn arguments(&self, tool: &str, text: &str) -> Result<Json, NotJson>;
}
