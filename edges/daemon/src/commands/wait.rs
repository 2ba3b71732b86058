//! `oxydra instances wait`: beside whoever runs, until an instance has ended or is parked. Where nobody runs, the instance is
//! seen through here, and no other one.
use super::{
    instances::{chosen, headline, summary},
    print, runtime,
};
use crate::{
    args::{Life, Wait},
    desk,
    enter::{Chosen, enter},
    exit::{Exit, Failure},
    house::{self, Going},
    interrupt::Interrupts,
    owner::owner,
    person::Person,
    report::{Report, Reporter},
    roll::{self, Row},
    surface,
    watch::Watch,
};
use domain::UserId;
use engine::InstanceId;
use std::time::Duration;

/// So often it is looked whether the instance rests: a person does not notice less.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) fn wait(wait: &Wait) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let exit = runtime.block_on(until_it_rests(wait));
    runtime.shutdown_background();
    exit
}

async fn until_it_rests(wait: &Wait) -> Result<Exit, Failure> {
    let id = chosen(rows(wait)?.iter().map(|row| &row.run), Some(&wait.id))?;
    loop {
        if let Some(row) = rows(wait)?.into_iter().find(|row| row.run.instance == id).filter(rests) {
            return said(wait, &row);
        }
        match see_through(wait, id).await {
            Err(failure) if owner(&failure).is_some() => tokio::time::sleep(LOOK).await,
            seen => return seen,
        }
    }
}

fn rows(wait: &Wait) -> Result<Vec<Row>, Failure> {
    roll::rows(&house::reading(&wait.home)?)
}

fn rests(row: &Row) -> bool {
    match row.life {
        Life::Ended | Life::Parked => true,
        Life::Running | Life::Waiting | Life::Stopping | Life::InDoubt => false,
    }
}

fn said(wait: &Wait, row: &Row) -> Result<Exit, Failure> {
    if wait.json {
        return print(&format!("{}\n", summary(row)));
    }
    print(&format!("{}\n", headline(row)))
}

/// Nobody else runs in this home: the instance goes on here, and nothing else does.
async fn see_through(wait: &Wait, id: InstanceId) -> Result<Exit, Failure> {
    let user = UserId::parse(crate::help::USER).map_err(Failure::usage)?;
    let mut surface = surface::of_process(wait.json);
    let mut interrupts = Interrupts::listen();
    let (house, mut told, _log) =
        enter(&wait.home, &user, Chosen::default(), &mut *surface, Going::AtRest).await?;
    house.engine.wake(id).map_err(Failure::other)?;
    let exit = match desk::living(&house, &wait.id) {
        Ok((talk, under_way)) => {
            let mut reporter = Reporter::new(&talk.user, &talk.session, house.config.runtime.max_turns.0);
            let watch = Watch {
                store: &house.store,
                surface: &mut *surface,
                report: Report::new(&mut reporter, under_way.turn, under_way.rounds),
                run: under_way.run,
                told: &mut told,
                person: Person::Nobody,
                asked: None,
            };
            watch.until_it_ends(&mut interrupts).await.exit()
        }
        // It is no turn, or has ended meanwhile.
        Err(_) => {
            house.engine.rests(id).await.map_err(Failure::other)?;
            Exit::Answered
        }
    };
    house.close().await;
    surface::arrived(&*surface, exit)
}
