//! `oxydra instances park`, `unpark` and `cancel`: the command owns the journal for a moment, and sets nothing else going.
use super::{instances::chosen, print, runtime};
use crate::{
    args::{Act, Steer},
    exit::{Exit, Failure},
    offline,
};
use engine::{
    Engine, InstanceId,
    park::{Rest, SteerFault},
};
use serde_json::json;

pub(crate) fn steer(steer: &Steer) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(owning(steer));
    runtime.shutdown_background();
    let (id, word) = done?;
    if steer.json {
        return print(&format!("{}\n", json!({"instance": id.to_string(), "done": word})));
    }
    print(&format!("{id} {word}\n"))
}

async fn owning(steer: &Steer) -> Result<(InstanceId, &'static str), Failure> {
    let engine = offline::at_rest(&steer.home, &format!("oxydra instances {}", verb(&steer.act)))?;
    let runs = engine.journal().runs().map_err(Failure::storage)?;
    let id = chosen(runs.iter(), Some(&steer.id))?;
    let word = act(&engine, id, &steer.act).await;
    engine.close();
    Ok((id, word?))
}

async fn act(engine: &Engine, id: InstanceId, act: &Act) -> Result<&'static str, Failure> {
    match act {
        Act::Park { why } => {
            engine.park(id, why.as_str()).await.map_err(failed)?;
            Ok("is parked")
        }
        Act::Unpark => {
            engine.unpark(id).await.map_err(failed)?;
            Ok("goes on with the next `oxydra run`, or with `oxydra instances wait`")
        }
        Act::Cancel => {
            engine.cancel(id).map_err(failed)?.await.map_err(Failure::storage)?;
            // It goes to its end here: what a cancel leads to does nothing outside.
            engine.wake(id).map_err(failed)?;
            match engine.rests(id).await.map_err(failed)? {
                Rest::Ended => Ok("has ended"),
                Rest::Parked(_) => Ok("was cancelled, and a fault parked it on the way to its end"),
            }
        }
    }
}

fn verb(act: &Act) -> &'static str {
    match act {
        Act::Park { .. } => "park",
        Act::Unpark => "unpark",
        Act::Cancel => "cancel",
    }
}

fn failed(fault: SteerFault) -> Failure {
    match fault {
        SteerFault::Unknown(_)
        | SteerFault::Ended(_)
        | SteerFault::Parked { .. }
        | SteerFault::NotParked(_)
        | SteerFault::Lost { .. }
        | SteerFault::Imported(_) => Failure::usage(fault),
        SteerFault::Log(fault) => Failure::storage(fault),
    }
}
