//! `oxydra instances fork`: another run goes on from a state of the past. The journal is owned meanwhile, and nothing else is set
//! going. What a fork of it means is each graph's own affair; a graph that has no such meaning here is refused by name.
mod session;
mod turn;

#[cfg(test)]
pub(crate) use session::branch as begin_branch;
pub(crate) use session::session;

use super::{instances::found, runtime};
use crate::{
    args::Fork,
    exit::{Exit, Failure},
    house,
    roll::{self, Row},
};
use ::turn::Turn;
use branch::Branch;
use engine::{Graph, fork::ForkFault};

pub(crate) fn instance(fork: &Fork) -> Result<Exit, Failure> {
    // Beside whoever runs, and a wrong place becomes no home.
    let Row { run, .. } = found(roll::rows(&house::reading(&fork.home)?)?, &fork.id)?;
    let runtime = runtime()?;
    let exit = runtime.block_on(async {
        match run.graph.as_str() {
            name if name == Turn::META.name => turn::go_on(fork, run.instance).await,
            name if name == Branch::META.name => session::again(fork, run.instance).await,
            name => Err(Failure::usage(format!(
                "instance {} is a run of graph `{name}`, and this build forks runs of `{}` and `{}`: use a build that has `{name}`",
                run.instance,
                Turn::META.name,
                Branch::META.name
            ))),
        }
    });
    runtime.shutdown_background();
    exit
}

fn failed(fault: ForkFault) -> Failure {
    match fault {
        ForkFault::Graph { instance, .. } => {
            Failure::other(format!("instance {instance} is of another graph than its journal says"))
        }
        ForkFault::Unknown(_)
        | ForkFault::NoMove { .. }
        | ForkFault::Trimmed { .. }
        | ForkFault::Forgotten(_)
        | ForkFault::Ended { .. }
        | ForkFault::State { .. } => Failure::usage(fault),
        ForkFault::Journal(fault) => Failure::storage(fault),
        ForkFault::Begin(fault) => Failure::other(fault.to_string()),
    }
}
