//! `oxydra cost`: what the sessions of a user have used up, and which models did, read beside whoever runs.
use super::{print, sessions::reading};
use crate::{
    args::Listing,
    exit::{Exit, Failure},
    house,
    money::used,
};
use domain::{Usage, UsageSpent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use store::{SessionRow, UsageTotals};

pub(crate) fn cost(listing: &Listing) -> Result<Exit, Failure> {
    let store = reading(listing)?;
    let sessions = store.sessions(&listing.user).map_err(Failure::storage)?;
    let totals = sessions.into_iter().map(|row| Ok((store.usage(&row.session)?, row)));
    let totals: Vec<(UsageTotals, SessionRow)> =
        totals.collect::<Result<_, domain::Unreadable>>().map_err(Failure::storage)?;
    let models = by_model(listing, &totals)?;
    let sum = totals.iter().fold(Usage::default(), |sum, (total, _)| sum + total.usage);
    if listing.json {
        let sessions: Vec<_> = totals.iter().map(|(total, row)| session(total, row)).collect();
        let models: Vec<_> = models.iter().map(|(name, total)| model(name, total)).collect();
        let user = listing.user.as_str();
        let all = json!({"user": user, "sessions": sessions, "models": models, "total": usage(&sum)});
        return print(&format!("{all}\n"));
    }
    let mut text = String::new();
    for (total, row) in &totals {
        text.push_str(&format!("{}  {}  {}\n", row.session, in_words(total), row.title));
    }
    let width = models.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    for (name, total) in &models {
        text.push_str(&format!("{name:<width$}  {}\n", in_words(total)));
    }
    let sessions = if totals.len() == 1 { "session" } else { "sessions" };
    print(&format!("{text}{} {sessions} of user `{}`: {}\n", totals.len(), listing.user, used(&sum)))
}

/// What each model used in these sessions.
fn by_model(
    listing: &Listing,
    sessions: &[(UsageTotals, SessionRow)],
) -> Result<BTreeMap<String, UsageTotals>, Failure> {
    let mine: HashSet<_> = sessions.iter().map(|(_, row)| &row.session).collect();
    let mut models = BTreeMap::<String, UsageTotals>::new();
    let mut take = |entry: engine::follow::FactEntry| {
        let Ok(spent) = entry.fact.to_durable::<UsageSpent>() else { return };
        if mine.contains(&spent.session) {
            let total = models.entry(spent.model.clone()).or_default();
            *total = total.plus(&spent);
        }
    };
    house::reading(&listing.home)?.facts(&mut take).map_err(Failure::storage)?;
    Ok(models)
}

pub(super) fn in_words(total: &UsageTotals) -> String {
    let calls = if total.calls == 1 { "call" } else { "calls" };
    let lost = match total.lost {
        0 => String::new(),
        1 => "; what 1 failed attempt used is not known".to_owned(),
        lost => format!("; what {lost} failed attempts used is not known"),
    };
    format!("{} {calls}, {}{lost}", total.calls, used(&total.usage))
}

fn session(total: &UsageTotals, row: &SessionRow) -> Value {
    json!({
        "session_id": row.session.as_str(),
        "title": row.title,
        "calls": total.calls,
        "failed_attempts": total.lost,
        "usage": usage(&total.usage),
    })
}

fn model(name: &str, total: &UsageTotals) -> Value {
    json!({
        "model": name,
        "calls": total.calls,
        "failed_attempts": total.lost,
        "usage": usage(&total.usage),
    })
}

pub(super) fn usage(usage: &Usage) -> Value {
    let Usage { input, cached, cache_written, output, cost } = usage;
    json!({
        "input_tokens": input.0,
        "cached_tokens": cached.0,
        "cache_written_tokens": cache_written.0,
        "output_tokens": output.0,
        "cost_micro_usd": cost.0,
    })
}
