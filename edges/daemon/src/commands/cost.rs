//! `oxydra cost`: what the sessions of a user have used up, read beside whoever runs.
use super::{print, sessions::reading};
use crate::{
    args::Listing,
    exit::{Exit, Failure},
    money::used,
};
use domain::Usage;
use serde_json::{Value, json};
use store::{SessionRow, UsageTotals};

pub(crate) fn cost(listing: &Listing) -> Result<Exit, Failure> {
    let store = reading(listing)?;
    let sessions = store.sessions(&listing.user).map_err(Failure::storage)?;
    let totals = sessions.into_iter().map(|row| Ok((store.usage(&row.session)?, row)));
    let totals: Vec<(UsageTotals, SessionRow)> =
        totals.collect::<Result<_, domain::Unreadable>>().map_err(Failure::storage)?;
    let sum = totals.iter().fold(Usage::default(), |sum, (total, _)| sum + total.usage);
    if listing.json {
        let rows: Vec<_> = totals.iter().map(|(total, row)| session(total, row)).collect();
        return print(&format!(
            "{}\n",
            json!({"user": listing.user.as_str(), "sessions": rows, "total": usage(&sum)})
        ));
    }
    let line = |(total, row): &(UsageTotals, SessionRow)| {
        let calls = if total.calls == 1 { "call" } else { "calls" };
        format!("{}  {} {calls}, {}  {}\n", row.session, total.calls, used(&total.usage), row.title)
    };
    let lines: String = totals.iter().map(line).collect();
    let sessions = if totals.len() == 1 { "session" } else { "sessions" };
    print(&format!("{lines}{} {sessions} of user `{}`: {}\n", totals.len(), listing.user, used(&sum)))
}

fn session(total: &UsageTotals, row: &SessionRow) -> Value {
    json!({
        "session_id": row.session.as_str(),
        "title": row.title,
        "calls": total.calls,
        "repeated_calls": total.repeats,
        "usage": usage(&total.usage),
    })
}

fn usage(usage: &Usage) -> Value {
    let Usage { input, cached, cache_written, output, cost } = usage;
    json!({
        "input_tokens": input.0,
        "cached_tokens": cached.0,
        "cache_written_tokens": cache_written.0,
        "output_tokens": output.0,
        "cost_micro_usd": cost.0,
    })
}
