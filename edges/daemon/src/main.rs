//! The binary `oxydra`: reads the command line, does what it says, and ends with an exit code that a script can branch
//! on. It holds no logic of its own.
mod args;
mod bodies;
mod commands;
mod desk;
mod exit;
mod graphs;
mod help;
mod house;
mod instructions;
mod interrupt;
mod prompt;
mod surface;
mod watch;
mod workshop;

use args::Command;
use exit::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse(lexopt::Parser::from_env()).and_then(carry_out) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("oxydra: {failure}");
            failure.exit().into()
        }
    }
}

fn carry_out(command: Command) -> Result<exit::Exit, Failure> {
    match command {
        Command::Help(text) => commands::print(&text),
        Command::Run(run) => commands::run::run(run),
        Command::Sessions(sessions) => commands::sessions::list(&sessions),
        Command::Instances(instances) => commands::instances::list(&instances),
        Command::Instance(instance) => commands::instances::show(&instance),
        Command::GraphList { json } => commands::graph::list(json),
        Command::GraphDraw { name, format } => commands::graph::draw(name.as_deref(), format),
    }
}
