//! A fork of a conversation: another session goes on from a message of it, and shares what was said before. `oxydra sessions
//! fork` says from which; a fork of a branch, which did that once, does it once more.
use super::{
    super::{print, runtime},
    failed,
};
use crate::{
    args::{Fork, SessionFork},
    desk::fresh,
    exit::{Exit, Failure},
    house, offline,
};
use branch::{Branch, BranchEnd, Branching, forked};
use domain::SessionId;
use durable::{Amount, FactId, InstanceId};
use engine::{Budget, Engine, Run};
use serde_json::json;
use store::Store;

/// Beginning a session takes one move.
const BRANCH_MOVES: u32 = 4;

pub(crate) fn session(fork: &SessionFork) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(begin_session(fork));
    runtime.shutdown_background();
    let session = done?;
    if fork.listing.json {
        let row = json!({"session_id": session.to_string(), "fork_of": fork.session.to_string(), "messages": fork.at});
        return print(&format!("{row}\n"));
    }
    print(&format!("{session}\n"))
}

async fn begin_session(fork: &SessionFork) -> Result<SessionId, Failure> {
    let engine = offline::at_rest(&fork.listing.home, "oxydra sessions fork")?;
    let (store, follower) = house::view(engine.journal())?;
    engine.journal().feed(follower);
    store.reach(engine.journal().durable()).await.map_err(Failure::storage)?;
    let base = fork.session.clone();
    let row = store.session(&base).map_err(Failure::storage)?;
    let row = row.filter(|row| row.user == fork.listing.user).ok_or_else(|| {
        Failure::usage(format!(
            "user `{}` has no session `{base}`: `oxydra sessions` lists them",
            fork.listing.user
        ))
    })?;
    let ids = store.message_ids(&base).map_err(Failure::storage)?;
    let upto = fork.at.checked_sub(1).and_then(|at| ids.get(at)).copied();
    let upto = upto.ok_or_else(|| {
        let (at, n) = (fork.at, ids.len());
        Failure::usage(format!("session `{base}` has {n} messages: --at is 1 to {n}, not {at}"))
    })?;
    let base = sayer(&store, &base, Some(upto))?;
    let session = fresh()?;
    let branching =
        Branching { user: row.user, session: session.clone(), base, upto: Some(upto), title: row.title };
    branch(&engine, branching).await?;
    engine.close();
    Ok(session)
}

/// Begins one more session with what a branch began one with.
pub(super) async fn again(fork: &Fork, id: InstanceId) -> Result<Exit, Failure> {
    if fork.prompt.is_some() || fork.answer.is_some() || fork.model.is_some() {
        return Err(Failure::usage(format!(
            "instance {id} is a Branch, which asks no model and stands in no doubt: leave --prompt, --answer and --model out, and \
             say something in the session that is begun: `oxydra run --session ID`"
        )));
    }
    let engine = offline::at_rest(&fork.home, "oxydra instances fork")?;
    let point = engine.journal().point(id, fork.at).map_err(failed)?;
    let session = fresh()?;
    let change = |state| forked(state, session.clone());
    let run = engine.fork::<Branch>(&point, budget(), change).map_err(failed)?;
    let run = run.await.map_err(|fault| Failure::other(fault.to_string()))?;
    begun(&run).await?;
    engine.close();
    if fork.json {
        let row = json!({"session_id": session.to_string(), "instance": run.id().to_string(), "fork_of": id.to_string()});
        return print(&format!("{row}\n"));
    }
    print(&format!("{session}\n"))
}

/// The session in which the last shared message was said: it is shared from there, so that forgetting a session in between takes
/// nothing from a fork of a fork.
pub(super) fn sayer(store: &Store, session: &SessionId, upto: Option<FactId>) -> Result<SessionId, Failure> {
    let ids = store.message_ids(session).map_err(Failure::storage)?;
    let said = store.messages(session).map_err(Failure::storage)?;
    let last = ids.iter().zip(said).find(|(id, _)| Some(**id) == upto);
    Ok(last.map_or_else(|| session.clone(), |(_, said)| said.session))
}

fn budget() -> Budget {
    Budget::new(BRANCH_MOVES, Amount::NONE)
}

/// Begins a session with what was said in another one.
pub(crate) async fn branch(engine: &Engine, branching: Branching) -> Result<(), Failure> {
    let run = engine.start(branching, budget()).await.map_err(|fault| Failure::other(fault.to_string()))?;
    begun(&run).await
}

async fn begun(run: &Run<Branch>) -> Result<(), Failure> {
    match run.end().await.map_err(Failure::other)? {
        BranchEnd::Branched(_) => Ok(()),
        BranchEnd::Unbranched(end) => Err(Failure::other(format!("the session was not forked: {}", end.why))),
    }
}
