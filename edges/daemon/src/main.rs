//! The binary `oxydra`: reads the command line, does what it says, and ends with an exit code that a script can branch
//! on. It holds no logic of its own.
mod args;
mod attach;
mod bodies;
mod commands;
mod desk;
mod enter;
mod exit;
mod form;
mod graphs;
mod help;
mod here;
mod house;
mod instructions;
mod interrupt;
mod known;
mod lines;
mod linger;
mod models;
mod money;
mod offline;
mod owner;
mod person;
mod prompt;
mod report;
mod roll;
mod surface;
mod trust;
mod watch;
mod workshop;

use args::Command;
use exit::{Exit, Failure};
use frames::{ErrorFrame, Frame};
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let done = match args::parse(lexopt::Parser::from_env()) {
        Ok(command) => carry_out(&command).map_err(|failure| (failure, command.is_json())),
        // What could not be parsed has no flags; who asked for frames gets one all the same.
        Err(failure) => Err((failure, std::env::args_os().any(|arg| arg == "--json"))),
    };
    match done {
        Ok(exit) => exit.into(),
        Err((failure, json)) => {
            complain(&failure, json);
            failure.exit().into()
        }
    }
}

fn carry_out(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Help(text) => commands::print(text),
        Command::Run(run) => commands::run::run(run),
        Command::Sessions(of) => commands::sessions::list(of),
        Command::Session(session) => commands::sessions::show(session),
        Command::SessionFork(fork) => commands::fork::session(fork),
        Command::SessionForget(session) => commands::forget::forget(session),
        Command::Instances(of) => commands::instances::list(of),
        Command::Instance(instance) => commands::instances::show(instance),
        Command::Steer(steer) => commands::steer::steer(steer),
        Command::Wait(wait) => commands::wait::wait(wait),
        Command::Export(export) => commands::parcel::export(export),
        Command::Import(import) => commands::parcel::import(import),
        Command::Replay(replay) => commands::replay::replay(replay),
        Command::Fork(fork) => commands::fork::instance(fork),
        Command::Answer(answer) => commands::answer::answer(answer),
        Command::Configuration(of) => commands::config::config(of),
        Command::Doctor(of) => commands::doctor::doctor(of),
        Command::Cost(of) => commands::cost::cost(of),
        Command::CostOf(session) => commands::spent::show(session),
        Command::Completions(shell) => commands::completions::completions(*shell),
        Command::Catalog(of) => commands::catalog::catalog(of),
        Command::Guest(order) => commands::guest::guest(order),
        Command::GraphList { json } => commands::graph::list(*json),
        Command::GraphDraw { name, format } => commands::graph::draw(name.as_deref(), *format),
    }
}

/// Says what went wrong to a person, and in a frame to a program that reads frames.
fn complain(failure: &Failure, json: bool) {
    // Nobody may be there to read it; the exit code says it too.
    let _ = writeln!(io::stderr(), "oxydra: {}", surface::printable(&failure.to_string()));
    if json {
        let frame = Frame::Error(ErrorFrame::new(failure.code(), failure.to_string()));
        let _ = writeln!(io::stdout(), "{}", frame.to_line());
    }
}
