//! `oxydra-agent`: process 1 of a guest, and, between a fork and a command, its helper. On any other machine it does
//! nothing but say so.
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|mode| mode == agent::helper::MODE) {
        return agent::helper::become_command();
    }
    if std::process::id() != 1 {
        eprintln!(
            "oxydra-agent {}: this is the first process of a guest, not a program to start",
            agent::VERSION
        );
        return ExitCode::from(2);
    }
    if let Err(error) = agent::boot::run() {
        eprintln!("agent: the guest cannot be used: {error}");
    }
    // Process 1 must not end: the kernel would panic before anybody read why.
    agent::boot::power_off();
    ExitCode::FAILURE
}
