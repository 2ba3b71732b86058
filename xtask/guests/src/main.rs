//! `cargo xtask guest`: the commands of `oxydra guest` for a checkout, by the same library, and the lanes that test what they
//! do. It links no monitor and has no commands of its own but the lanes.
mod bare;
mod by_a_user;
mod costs;
mod devices;
mod direct;
mod inside;
mod lane_image;
mod nested;
mod place;
mod qemu;
mod spans;
mod stall;
mod step;
mod told;
mod work;
mod workspace;

use machines::{Order, Program, obey};
use std::{env, ffi::OsString, path::PathBuf, process::ExitCode};

/// What went wrong, in words for whoever typed the command.
type Fallible<T> = Result<T, String>;

/// Says what was attempted when something fails.
fn failed<E: std::fmt::Display>(what: impl std::fmt::Display) -> impl FnOnce(E) -> String {
    move |error| format!("cannot {what}: {error}")
}

const MORE: &str = "  lane direct                  test the agent in QEMU, without our monitor
  lane nested                  test everything in QEMU: our monitor runs guests within
  lane costs                   measure there what a guest costs
";

fn main() -> ExitCode {
    let home = env::var_os("OXYDRA_GUEST_HOME").map_or_else(|| "target/guest".into(), PathBuf::from);
    let program = Program { name: "cargo xtask guest", home, within: "", more: MORE };
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let texts: Vec<_> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let done = match &texts[..] {
        ["lane", name @ ("direct" | "nested" | "costs"), flags @ ..] => lane(&program, name, flags),
        // What the lanes `nested` and `costs` run within their first guest.
        ["inside"] => inside::run(),
        [by_a_user::WORD] => Ok(inside::said(by_a_user::steps())),
        ["costs"] => costs::run(),
        _ => match Order::parse(&program, words).and_then(|order| obey(&program, &order)) {
            Ok(code) => return code.into(),
            Err(problem) => {
                eprintln!("guest: {}", problem.chain());
                return problem.exit_code().into();
            }
        },
    };
    done.unwrap_or_else(|why| {
        eprintln!("guest: {why}");
        ExitCode::from(2)
    })
}

/// A lane takes the flags of a build.
fn lane(program: &Program, name: &str, flags: &[&str]) -> Fallible<ExitCode> {
    let words = ["build"].iter().chain(flags).map(OsString::from);
    let Order { home, kernel, .. } = Order::parse(program, words)?;
    match name {
        "direct" => direct::lane(&home, &kernel),
        "costs" => nested::costs(&home, &kernel),
        _ => nested::lane(&home, &kernel),
    }
}
