//! `oxydra sessions`: the sessions of a user, read beside whoever runs.
use super::print;
use crate::{
    args::Listing,
    exit::{Exit, Failure},
    house,
};
use frames::{Frame, SessionList, Timestamp};
use store::SessionRow;

pub(crate) fn list(listing: &Listing) -> Result<Exit, Failure> {
    let journal = house::reading(&listing.home)?;
    let (store, follower) = house::view(journal.clone())?;
    let durable = journal.durable();
    journal.feed(follower);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Failure::other)?;
    runtime.block_on(store.reach(durable)).map_err(Failure::storage)?;
    let sessions = store.sessions(&listing.user).map_err(Failure::storage)?;
    if listing.json {
        let sessions = sessions.into_iter().map(row).collect();
        let frame = Frame::SessionList(SessionList { request_id: String::new(), sessions });
        return print(&format!("{}\n", frame.to_line()));
    }
    if sessions.is_empty() {
        return print(&format!("no sessions of user `{}` yet: `oxydra run` opens one\n", listing.user));
    }
    let line = |row: &SessionRow| {
        let turns = if row.turns == 1 { "turn " } else { "turns" };
        format!("{}  {}  {:>4} {turns}  {}\n", row.session, Timestamp(row.at.0), row.turns, row.title)
    };
    print(&sessions.iter().map(line).collect::<String>())
}

fn row(row: SessionRow) -> frames::SessionRow {
    frames::SessionRow {
        session_id: row.session.to_string(),
        agent_name: "default".to_owned(),
        display_name: Some(row.title),
        channel_origin: "terminal".to_owned(),
        created_at: None,
        last_active_at: Timestamp(row.at.0),
        archived: false,
        turns: row.turns,
    }
}
