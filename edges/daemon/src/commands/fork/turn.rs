//! A fork of a turn: another turn goes on from its state, in a session of its own with what had been said by then.
use super::{
    super::past::{Step, steps},
    failed,
    session::{branch, sayer},
};
use crate::{
    args::{Files, Fork},
    attach,
    desk::fresh,
    enter::{Chosen, enter},
    exit::{Exit, Failure},
    house::{Going, House},
    interrupt::Interrupts,
    owner::alone,
    person::Person,
    report::{Report, Reporter},
    surface::{self, Surface},
    watch::Watch,
};
use branch::Branching;
use domain::{Attachment, Conversation, DoubtAnswer, Message, TurnId, UserId, title_of};
use durable::{FactId, InstanceId};
use engine::{Engine, Journal, Run, fork::Point, journal::Happened};
use turn::{Began, Instead, Talk, Turn, TurnState, began, doubt, forkable, forked};
use uuid::Uuid;

pub(super) async fn go_on(fork: &Fork, id: InstanceId) -> Result<Exit, Failure> {
    let user = UserId::parse(crate::help::USER).map_err(Failure::usage)?;
    let mut surface = surface::of_process(fork.json);
    let mut interrupts = Interrupts::listen();
    let chosen = Chosen { model: fork.model.as_deref(), ..Chosen::default() };
    let entered = enter(&fork.home, &user, chosen, &mut *surface, Going::AtRest).await;
    let (house, mut told, _log) = entered.map_err(|failure| alone(failure, "oxydra instances fork"))?;
    let (run, talk) = begin(&house, fork, id, &mut *surface).await?;
    let mut reporter = Reporter::new(&talk.user, &talk.session, house.config.runtime.max_turns.0);
    let watch = Watch {
        store: &house.store,
        surface: &mut *surface,
        report: Report::new(&mut reporter, talk.turn, 0),
        run,
        told: &mut told,
        person: fork.answer.map_or(Person::Nobody, |answer| Person::Said(Some(answer))),
        asked: None,
    };
    let watched = watch.until_it_ends(&mut interrupts).await;
    house.close().await;
    surface::arrived(&*surface, watched.exit())
}

/// Begins the fork, in a session of its own with what had been said by then.
async fn begin(
    house: &House,
    fork: &Fork,
    id: InstanceId,
    surface: &mut dyn Surface,
) -> Result<(Run<Turn>, Talk), Failure> {
    let journal = house.engine.journal();
    house.store.reach(journal.durable()).await.map_err(Failure::storage)?;
    let point = journal.point(id, fork.at).map_err(failed)?;
    let (base, beginning) = base(&house.engine, &point, fork)?;
    // Refused before the session is there.
    let instead = match (&fork.prompt, beginning) {
        (Some(prompt), Some(beginning)) => Some(instead(house, fork, prompt, &base, beginning).await?),
        (Some(_) | None, _) => None,
    };
    let ids = house.store.message_ids(&base.session).map_err(Failure::storage)?;
    let upto = shared(&ids, id, if fork.prompt.is_some() { 0 } else { fork.at });
    let title = match &fork.prompt {
        Some(prompt) => title_of(prompt),
        None => title(house.store.session(&base.session).map_err(Failure::storage)?),
    };
    let session = fresh()?;
    let branching = Branching {
        user: base.user.clone(),
        session: session.clone(),
        base: sayer(&house.store, &base.session, upto)?,
        upto,
        title,
    };
    branch(&house.engine, branching).await?;
    let turn = TurnId::parse(&Uuid::now_v7().to_string()).map_err(Failure::other)?;
    let talk = Talk { session, turn, ..base };
    let change = |state| forked(state, talk.clone(), instead.clone());
    let run = house.engine.fork::<Turn>(&point, house.budget(), change).map_err(failed)?;
    let run = run.await.map_err(|fault| Failure::other(fault.to_string()))?;
    surface.notice(&format!(
        "instance {} goes on from state {} of {id}, in session {}; the files of the workspace are not forked: it works on them as they are now",
        run.id(), fork.at, talk.session
    ));
    let done = done_once(&journal, id, fork.at)?;
    if !done.is_empty() {
        surface.notice(&format!(
            "done behind that state already, and done again if it comes to it: {}",
            done.join(", ")
        ));
    }
    Ok((run, talk))
}

/// Another message, with the files of the one whose place it takes unless others are given.
async fn instead(
    house: &House,
    fork: &Fork,
    prompt: &str,
    base: &Talk,
    beginning: Began,
) -> Result<Instead, Failure> {
    let attachments = match (&fork.files, beginning) {
        (Files::These(paths), _) => attach::read(paths)?,
        (Files::Kept, Began::With(attachments)) => attachments,
        (Files::Kept, Began::Said(upto)) => {
            let said = house.store.upto(&base.session, upto).await.map_err(Failure::storage)?;
            said.into_iter().rev().find_map(|said| files_of(said.message)).unwrap_or_default()
        }
    };
    attach::check(&attachments, &house.config.selection)?;
    Ok(Instead { prompt: prompt.to_owned(), attachments })
}

/// What went with a message of a person.
fn files_of(message: Message) -> Option<Vec<Attachment>> {
    match message {
        Message::User { attachments, .. } => Some(attachments),
        Message::Assistant { .. } | Message::Tool { .. } => None,
    }
}

/// The conversation of the turn at that point, if it can be forked there as it is wanted, and where its message is.
fn base(engine: &Engine, point: &Point, fork: &Fork) -> Result<(Talk, Option<Began>), Failure> {
    let look = |state: &TurnState| {
        (forkable(state, fork.prompt.is_some()).cloned(), doubt(state).is_some(), began(state))
    };
    let (talk, in_doubt, beginning) = engine.look::<Turn, _>(point, look).map_err(failed)?;
    let talk = talk.map_err(|why| {
        Failure::usage(format!("instance {} cannot be forked at {}: {why}", point.instance(), point.seq()))
    })?;
    match fork.answer {
        Some(DoubtAnswer::Again | DoubtAnswer::Done | DoubtAnswer::Drop) if !in_doubt => {
            Err(Failure::usage(format!(
                "--answer settles a doubt, and instance {} stands in none at {}",
                point.instance(),
                point.seq()
            )))
        }
        Some(_) | None => Ok((talk, beginning)),
    }
}

/// The last message that had been said when the run had made so many moves: its own, or what stood before its first.
fn shared(ids: &[FactId], run: InstanceId, moves: u64) -> Option<FactId> {
    let own = ids.iter().rfind(|id| id.instance == run && id.seq < moves);
    let before = ids.iter().take_while(|id| id.instance != run).last();
    own.or(before).copied()
}

/// The effects of a run, behind its state with this number, that are never repeated.
fn done_once(journal: &Journal, id: InstanceId, at: u64) -> Result<Vec<String>, Failure> {
    let past = journal.past(id).map_err(Failure::storage)?.map(|(_, past)| past).unwrap_or_default();
    let began = |step: Step<'_>| {
        let Happened::Began { effect, once: true, .. } = &step.line.what else { return None };
        (step.state >= at).then(|| effect.clone())
    };
    let once = steps(&past).filter_map(began);
    Ok(once.collect())
}

fn title(row: Option<store::SessionRow>) -> String {
    row.map(|row| row.title).unwrap_or_default()
}
