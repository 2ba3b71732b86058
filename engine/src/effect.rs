//! Effects: what a handler does to the world, and what is kept of it.
use crate::{
    Amount, InstanceId,
    codec::Encoded,
    durable::{Fact, FactId},
    record::{FactRecord, Via},
};
use std::fmt;

/// The most facts that may ride with one effect, and with one move.
pub const FACTS_MAX: u32 = 256;

/// Proof that the beginning of an effect is on disk and its hold is taken. Only the engine makes one, after the
/// barrier; it can be neither cloned nor decoded.
pub struct Ticket {
    pub(crate) instance: InstanceId,
    pub(crate) seq: u64,
    pub(crate) slot: u32,
    pub(crate) attempt: u32,
    pub(crate) key: u128,
}

impl Ticket {
    /// The run it belongs to.
    pub fn instance(&self) -> InstanceId {
        self.instance
    }
    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
    /// The same for every attempt at this effect: what a receiver deduplicates by.
    pub fn key(&self) -> String {
        format!("{:032x}", self.key)
    }
    /// The id that the `n`th fact of [`Settled::fact`] will have.
    pub fn fact(&self, n: u32) -> FactId {
        FactId { instance: self.instance, seq: self.seq, n: self.slot * FACTS_MAX + n }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({}/{} attempt {})", self.instance, self.seq, self.attempt)
    }
}

/// The result of an effect, with what it spent of its hold and the facts that are recorded with it.
pub struct Settled<T> {
    pub(crate) value: T,
    pub(crate) spent: Option<Amount>,
    pub(crate) facts: Vec<UnsentFact>,
}

pub(crate) struct UnsentFact {
    pub(crate) name: &'static str,
    pub(crate) owner: crate::durable::Owner,
    pub(crate) key: Option<crate::durable::FactKey>,
    pub(crate) blobs: Vec<crate::durable::BlobId>,
    pub(crate) fact: Encoded,
}

impl UnsentFact {
    pub(crate) fn of<F: Fact>(fact: &F) -> UnsentFact {
        UnsentFact {
            name: F::NAME,
            owner: fact.owner(),
            key: fact.key(),
            blobs: fact.blobs(),
            fact: Encoded::durable(fact),
        }
    }
    pub(crate) fn with_id(self, id: FactId) -> FactRecord {
        FactRecord { id, owner: self.owner, key: self.key, blobs: self.blobs, fact: self.fact }
    }
}

impl<T> Settled<T> {
    /// A result that spent all of its hold.
    pub fn new(value: T) -> Settled<T> {
        Settled { value, spent: None, facts: Vec::new() }
    }
    /// Says what was spent; what is left of the hold goes back, what exceeds it is taken as far as there is any.
    pub fn spent(mut self, amount: impl Into<Amount>) -> Settled<T> {
        self.spent = Some(amount.into());
        self
    }
    /// Records a fact with the result.
    pub fn fact<F: Fact>(mut self, fact: &F) -> Settled<T> {
        self.facts.push(UnsentFact::of(fact));
        self
    }
}

/// How an effect of the kind that is never repeated came out. Both must be matched.
#[derive(Debug)]
pub enum Once<T, I> {
    /// It happened, and this is its recorded result.
    Done(T),
    /// It had begun, and nobody knows whether it happened.
    InDoubt(I),
}

/// The idempotency key of an effect: the same for every attempt at it.
pub(crate) fn key_of(instance: InstanceId, seq: u64, via: Via, name: &str) -> u128 {
    key_from(instance, seq, &["effect/", &via.key(), "/", name])
}

/// Derives a key: equal for equal parts, unlike any other.
pub(crate) fn effect_key(instance: InstanceId, seq: u64, name: &str) -> u128 {
    key_from(instance, seq, &[name])
}

/// Never changed: a repeat must have the key of the first attempt. The parts are put together before they are hashed: a
/// hasher that takes them one by one costs as much as the hash.
fn key_from(instance: InstanceId, seq: u64, name: &[&str]) -> u128 {
    /// Most names are shorter.
    const NAME_BYTES: usize = 72;
    let mut parts = Vec::with_capacity(NAME_BYTES + 24);
    parts.extend_from_slice(&instance.0.to_le_bytes());
    parts.extend_from_slice(&seq.to_le_bytes());
    name.iter().for_each(|part| parts.extend_from_slice(part.as_bytes()));
    let hash = blake3::hash(&parts);
    let (key, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    u128::from_le_bytes(*key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EventId;

    #[test]
    fn keys_are_what_they_were_when_the_first_journal_was_written() {
        let hashed = |instance: u128, seq: u64, name: &str| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&instance.to_le_bytes()).update(&seq.to_le_bytes()).update(name.as_bytes());
            let mut key = [0; 16];
            hasher.finalize_xof().fill(&mut key);
            u128::from_le_bytes(key)
        };
        let long = "x".repeat(5_000);
        for (instance, seq, name) in [(0, 0, ""), (7, 3, "draft"), (u128::MAX, u64::MAX, long.as_str())] {
            let run = InstanceId(instance);
            assert_eq!(effect_key(run, seq, name), hashed(instance, seq, name));
            let entered = hashed(instance, seq, &format!("effect/entered/{name}"));
            assert_eq!(key_of(run, seq, Via::Entered, name), entered);
            let event = hashed(instance, seq, &format!("effect/event {:032x}/{name}", 0xabc));
            assert_eq!(key_of(run, seq, Via::Event(EventId::Given(0xabc)), name), event);
        }
    }
}
