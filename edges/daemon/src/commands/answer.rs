//! `oxydra instances answer`: says what became of a call in doubt, and sees the turn through.
use super::instances::found;
use crate::{
    args::{Answer, Life},
    desk,
    enter::{Chosen, enter},
    exit::{Exit, Failure},
    house::{self, Going},
    interrupt::Interrupts,
    owner::alone,
    person::Person,
    report::{Report, Reporter},
    roll::{self, Row},
    surface,
    watch::Watch,
};
use engine::Graph;
use turn::Turn;

pub(crate) fn answer(answer: &Answer) -> Result<Exit, Failure> {
    let runtime = super::runtime()?;
    let exit = runtime.block_on(settle(answer));
    runtime.shutdown_background();
    exit
}

async fn settle(answer: &Answer) -> Result<Exit, Failure> {
    // Beside whoever runs: who answers a run that takes no answer is told so first, and a wrong place becomes no home.
    let row = found(roll::rows(&house::reading(&answer.home)?)?, &answer.id)?;
    can_be_answered(&row)?;
    let mut surface = surface::of_process(answer.json);
    let mut interrupts = Interrupts::listen();
    // Only this turn goes on: whoever answers for one does not wait for others.
    let (house, mut told, _log) =
        enter(&answer.home, &answer.user, Chosen::default(), &mut *surface, Going::AtRest)
            .await
            .map_err(|failure| alone(failure, "oxydra instances answer"))?;
    let (talk, under_way) = desk::living(&house, &answer.id)?;
    house.engine.wake(under_way.run.id()).map_err(Failure::other)?;
    let mut reporter = Reporter::new(&talk.user, &talk.session, house.config.runtime.max_turns.0);
    let report = Report::new(&mut reporter, under_way.turn, under_way.rounds);
    let watch = Watch {
        store: &house.store,
        surface: &mut *surface,
        report,
        run: under_way.run,
        told: &mut told,
        person: Person::Said(Some(answer.how)),
        asked: None,
    };
    let watched = watch.until_it_ends(&mut interrupts).await;
    house.close().await;
    surface::arrived(&*surface, watched.exit())
}

fn can_be_answered(row: &Row) -> Result<(), Failure> {
    let (id, graph) = (row.run.instance, &row.run.graph);
    if *graph != Turn::META.name {
        return Err(Failure::usage(format!("instance {id} is a {graph}: only a turn stands in a doubt")));
    }
    match row.life {
        Life::Ended => {
            Err(Failure::usage(format!("instance {id} has ended: there is nothing to answer any more")))
        }
        Life::Stopping => {
            Err(Failure::usage(format!("instance {id} is cancelled: there is nothing to answer any more")))
        }
        Life::Parked => Err(Failure::usage(format!(
            "instance {id} is parked: `oxydra instances unpark {id}` lets it go on, then answer it"
        ))),
        Life::Running | Life::Waiting | Life::InDoubt => Ok(()),
    }
}
