//! What sessions used up, from `UsageSpent`: a sum per session. A call that was repeated counts each time: each of its
//! attempts may have been charged.
//!
//! `usage`: session → calls, lost attempts, tokens in, tokens out, cost (big-endian, the session with its length)
use crate::{
    Table, ViewFault,
    draft::Draft,
    guarded::Rows,
    packed::{Packed, Unpacked},
};
use domain::{MicroUsd, SessionId, Tokens, Usage, UsageSpent};

/// What a session has used up. Sums stay at their largest value.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct UsageTotals {
    /// Model calls.
    pub calls: u64,
    /// Attempts at them that came to nothing: what those used is known to nobody here.
    pub lost: u64,
    /// What they used together.
    pub usage: Usage,
}

/// Adds what was spent.
pub(super) fn take(draft: &mut Draft<'_>, fact: &UsageSpent) -> Result<(), ViewFault> {
    let total = of_session(draft, &fact.session)?.plus(fact);
    let Usage { input, cached, cache_written, output, cost } = total.usage;
    let numbers = [total.calls, total.lost, input.0, cached.0, cache_written.0, output.0, cost.0];
    let value = numbers.into_iter().fold(Packed::new(), Packed::u64);
    draft.put(Table::Usage, session_key(&fact.session), value.done());
    Ok(())
}

/// Takes the sum of a session away.
pub(super) fn forget(draft: &mut Draft<'_>, session: &SessionId) {
    draft.delete(Table::Usage, session_key(session));
}

/// Returns what the session has used up; nothing for one that has called no model.
pub(crate) fn of_session(rows: &impl Rows, session: &SessionId) -> Result<UsageTotals, ViewFault> {
    let Some(value) = rows.get(Table::Usage, &session_key(session))? else {
        return Ok(UsageTotals::default());
    };
    read(&value).ok_or(ViewFault::Damaged { table: Table::Usage })
}

impl UsageTotals {
    /// The same, with one more call.
    #[must_use]
    pub fn plus(self, fact: &UsageSpent) -> UsageTotals {
        UsageTotals {
            calls: self.calls.saturating_add(1),
            lost: self.lost.saturating_add(u64::from(fact.attempt).saturating_sub(1)),
            usage: self.usage + fact.usage,
        }
    }
}

fn read(value: &[u8]) -> Option<UsageTotals> {
    let mut parts = Unpacked::new(value);
    let (calls, lost) = (parts.u64()?, parts.u64()?);
    let usage = Usage {
        input: Tokens(parts.u64()?),
        cached: Tokens(parts.u64()?),
        cache_written: Tokens(parts.u64()?),
        output: Tokens(parts.u64()?),
        cost: MicroUsd(parts.u64()?),
    };
    parts.end(UsageTotals { calls, lost, usage })
}

fn session_key(session: &SessionId) -> Vec<u8> {
    Packed::new().text(session.as_str()).done()
}
