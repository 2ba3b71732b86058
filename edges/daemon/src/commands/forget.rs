//! `oxydra sessions forget`: what was said in a session goes, off the lists and off the disk. The journal is owned meanwhile,
//! and nothing is set going.
use super::{print, runtime};
use crate::{
    args::Session,
    exit::{Exit, Failure},
    house, offline,
};
use domain::SessionId;
use engine::{
    Engine,
    compact::Compaction,
    forget::{ForgetFault, Forgotten},
};
use serde_json::json;

#[cfg(test)]
mod tests;

pub(crate) fn forget(forget: &Session) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(owning(forget));
    runtime.shutdown_background();
    let (Forgotten { facts, runs }, Compaction { before, after }) = done?;
    let (session, bytes) = (&forget.session, before.saturating_sub(after));
    if forget.listing.json {
        let row = json!({"session_id": session.to_string(), "facts": facts, "instances": runs, "bytes_freed": bytes});
        return print(&format!("{row}\n"));
    }
    if facts == 0 {
        return print(&format!(
            "session {session} was forgotten before: what was left of it has left the disk\n"
        ));
    }
    print(&said(session, facts, runs, bytes))
}

fn said(session: &SessionId, facts: u64, runs: usize, bytes: u64) -> String {
    let runs = u64::try_from(runs).unwrap_or(u64::MAX);
    let (facts, runs) =
        (counted(facts, "message or note", "messages and notes"), counted(runs, "run", "runs"));
    // A journal that was small has become no smaller: what it is made of now takes room too.
    let smaller =
        if bytes == 0 { String::new() } else { format!(", and the journal is smaller by {bytes} bytes") };
    format!("session {session} is forgotten: {facts} of {runs} are off the disk{smaller}\n")
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

async fn owning(forget: &Session) -> Result<(Forgotten, Compaction), Failure> {
    let engine = offline::at_rest(&forget.listing.home, "oxydra sessions forget")?;
    // Whoever forgot it may have died before its bytes were off the disk: that is finished.
    let is_begun = engine.is_forgetting(&forget.session.owner());
    let forgotten = match forgotten(&engine, forget).await {
        Err(_) if is_begun => Ok(Forgotten { facts: 0, runs: 0 }),
        done => done,
    };
    let compacted = match &forgotten {
        Ok(_) => engine.compact().await.map_err(Failure::storage),
        Err(_) => Ok(Compaction::default()),
    };
    engine.close();
    engine.closed().await;
    let forgotten = forgotten?;
    // The view holds what was said too, whether the journal could be compacted or not.
    let dropped = house::drop_derived(&forget.listing.home);
    let done = (forgotten, compacted?);
    dropped?;
    Ok(done)
}

async fn forgotten(engine: &Engine, forget: &Session) -> Result<Forgotten, Failure> {
    let Session { listing, session } = forget;
    let (store, follower) = house::view(engine.journal())?;
    engine.journal().feed(follower);
    store.reach(engine.journal().durable()).await.map_err(Failure::storage)?;
    let row = store.session(session).map_err(Failure::storage)?;
    if row.is_none_or(|row| row.user != listing.user) {
        let user = &listing.user;
        return Err(Failure::usage(format!(
            "user `{user}` has no session `{session}`: `oxydra sessions` lists them"
        )));
    }
    let sharers = store.sharers(session).map_err(Failure::storage)?;
    if !sharers.is_empty() {
        return Err(Failure::usage(shared(session, &sharers)));
    }
    engine.forget(&session.owner()).await.map_err(failed)
}

fn shared(session: &SessionId, sharers: &[SessionId]) -> String {
    let names: Vec<_> = sharers.iter().map(SessionId::as_str).collect();
    format!(
        "session `{session}` shares messages with {}, which would lose them: forget {} first",
        names.join(", "),
        if names.len() == 1 { "it" } else { "them" }
    )
}

fn failed(fault: ForgetFault) -> Failure {
    match fault {
        ForgetFault::Living { .. } => Failure::usage(format!("{fault} (`oxydra instances cancel ID`)")),
        ForgetFault::Unknown(_) | ForgetFault::Forking(_) => Failure::usage(fault),
        ForgetFault::Journal(fault) => Failure::storage(fault),
    }
}
