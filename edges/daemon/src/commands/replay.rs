//! `oxydra instances replay`: runs the handlers of this build on what was recorded, and says whether they come to the same.
//! It reads beside whoever runs, reaches nothing outside and writes nothing.
use super::{instances::chosen, print, runtime};
use crate::{
    args::Replay,
    exit::{Exit, Failure},
    house, offline, trust,
};
use config::Home;
use domain::UserId;
use engine::replay::{Difference, ReplayFault, Replayed};
use serde_json::json;

pub(crate) fn replay(replay: &Replay) -> Result<Exit, Failure> {
    trust::admit(&replay.home)?;
    let journal = house::reading(&replay.home)?;
    let runs = journal.runs().map_err(Failure::storage)?;
    let id = chosen(runs.iter(), Some(&replay.id))?;
    let user = UserId::parse(crate::help::USER).map_err(Failure::usage)?;
    let home = Home::open(&replay.home).map_err(Failure::storage)?;
    // What may be called is part of the code that runs again; nothing is called.
    let tools = house::benches(&home).tools(&user).map_err(Failure::storage)?;
    let replayed = runtime()?.block_on(offline::builder(tools).replay(&journal, id)).map_err(failed)?;
    print(&if replay.json { as_json(&replayed) } else { as_text(&replayed) })?;
    Ok(if replayed.difference.is_some() { Exit::Failed } else { Exit::Answered })
}

fn as_text(replayed: &Replayed) -> String {
    let Replayed { instance, moves, replayed: lines, difference, .. } = replayed;
    let moved = if *moves == 1 { "1 move".to_owned() } else { format!("{moves} moves") };
    let Some(Difference { state, seq, recorded, replayed: now }) = difference else {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        return format!("{lines}{instance}: {moved} replayed, the same, byte for byte\n");
    };
    let line = |line: &Option<String>| line.as_deref().unwrap_or("  nothing").trim().to_owned();
    format!(
        "{instance}: {moved} replayed, then the handler of `{state}` (state {seq}) does something else\n  recorded: {}\n  replayed: {}\n",
        line(recorded),
        line(now)
    )
}

fn as_json(replayed: &Replayed) -> String {
    let Replayed { instance, moves, recorded, replayed, difference } = replayed;
    let difference = difference.as_ref().map(|difference| {
        let Difference { state, seq, recorded, replayed } = difference;
        json!({"state": state, "at": seq, "recorded": recorded, "replayed": replayed})
    });
    let row = json!({
        "instance": instance.to_string(),
        "moves": moves,
        "same": difference.is_none(),
        "recorded": recorded,
        "replayed": replayed,
        "difference": difference,
    });
    format!("{row}\n")
}

fn failed(fault: ReplayFault) -> Failure {
    match fault {
        ReplayFault::Unknown(_) | ReplayFault::Trimmed { .. } | ReplayFault::Forgotten(_) => {
            Failure::usage(fault)
        }
        ReplayFault::Refused(_) | ReplayFault::Journal(_) => Failure::storage(fault),
    }
}
