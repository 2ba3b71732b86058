//! What a graph costs the compiler: a package with a graph of many states, against the same states without the graph.
//! Nothing is downloaded; what the package stands on is built once, into a directory of its own.
use crate::{
    Scale,
    measure::{Pairs, Patience, timed},
    table::{Row, Unit},
};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const STATES: usize = 50;

/// The workspace, where this program was built.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A check takes a second or two, and the difference of two is small: several are needed.
const CHECKS_MAX: usize = 9;

/// What a state may cost.
const TARGET: Duration = Duration::from_millis(15);

/// Measures both packages in turns.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let name = format!("compile cost of a state ({STATES} states)");
    match measured(scale) {
        Err(why) => vec![Row::not_measured(name, why)],
        Ok(pairs) => {
            let spans = [pairs.ours(50), pairs.yardstick(50)].map(|nanos| nanos / 1e6);
            let note =
                format!("vs a state alone; cargo check {:.0} ms, {:.0} ms without", spans[0], spans[1]);
            let row = Row::new(name, Unit::Nanoseconds, &pairs.differing(STATES as f64));
            vec![row.at_most_each(TARGET.as_nanos() as f64).note(note)]
        }
    }
}

fn measured(scale: &Scale) -> Result<Pairs, String> {
    let dir = scale.dir.join("bench-compile");
    let packages = [("with", true), ("without", false)].map(|(name, graph)| package(&dir, name, graph));
    let [with, without] = packages;
    let (with, without) = (with?, without?);
    // Builds what both stand on, and shows what cannot be built before anything is timed.
    check(&with, &dir)?;
    check(&without, &dir)?;
    let patience = Patience { pairs_max: CHECKS_MAX, span: scale.patience().span * 3 };
    let again = |package: &Path| check(package, &dir).expect("what was built before is built again");
    Ok(Pairs::in_turns(patience, || again(&with), || again(&without)))
}

/// Writes a package with the states, and with a graph of them or not.
fn package(dir: &Path, name: &str, graph: bool) -> Result<PathBuf, String> {
    let package = dir.join(name);
    let said = |error: std::io::Error| format!("cannot write {}: {error}", package.display());
    fs::create_dir_all(package.join("src")).map_err(said)?;
    let head =
        format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n");
    let manifest = format!("{head}[dependencies]\nengine = {{ path = \"{ROOT}/engine\" }}\n");
    fs::write(package.join("Cargo.toml"), manifest).map_err(said)?;
    fs::write(package.join("src/lib.rs"), source(graph)).map_err(said)?;
    // The versions of the workspace: what is not downloaded cannot be chosen.
    fs::copy(Path::new(ROOT).join("Cargo.lock"), package.join("Cargo.lock")).map_err(said)?;
    Ok(package)
}

/// Checks the package from its own sources on and returns the nanoseconds.
fn check(package: &Path, dir: &Path) -> Result<f64, String> {
    let said = |error: std::io::Error| format!("cannot check {}: {error}", package.display());
    let source = package.join("src/lib.rs");
    let text = fs::read(&source).map_err(said)?;
    fs::write(&source, text).map_err(said)?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["check", "--offline", "--quiet"]).current_dir(package);
    cargo.env("CARGO_TARGET_DIR", dir.join("target")).env("CARGO_INCREMENTAL", "0");
    let (took, output) = timed(|| cargo.output());
    let output = output.map_err(said)?;
    if output.status.success() {
        return Ok(took);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`cargo check` failed: {}",
        said.lines().find(|line| line.contains("error")).unwrap_or("it said nothing")
    ))
}

/// States in a circle, each with three ways on, and one that ends.
fn source(graph: bool) -> String {
    let mut text = String::from("//! Generated.\nuse engine::prelude::*;\n");
    let next = |n: usize| [n + 1, n + 7, n + 20].map(|n| n % STATES);
    for n in 0..STATES {
        let _ =
            writeln!(text, "#[state] pub struct S{n} {{ pub n: u64, pub text: String, pub list: Vec<u32> }}");
    }
    text.push_str("#[state] pub struct Done { pub n: u64 }\n");
    if !graph {
        return text;
    }
    text.push_str("graph! { pub graph Large v1 { start S0;\n");
    for n in 0..STATES {
        let [a, b, c] = next(n);
        let _ = writeln!(text, "S{n} -> S{a} | S{b} | S{c} | Done;");
    }
    text.push_str("end Done; stop -> Done; } }\n");
    for n in 0..STATES {
        let [a, b, c] =
            next(n).map(|n| format!("go(S{n} {{ n: self.n - 1, text: self.text, list: self.list }})"));
        let _ = writeln!(
            text,
            "impl Step for S{n} {{ async fn step(self, _: &mut Cx<Large>) -> Next<Self> {{\n match self.n % 4 {{ 0 => \
             go(Done {{ n: self.n }}), 1 => {a}, 2 => {b}, _ => {c} }} }} }}"
        );
    }
    text.push_str("impl From<Stop> for Done { fn from(_: Stop) -> Done { Done { n: 0 } } }\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_packages_have_the_same_states() {
        let [with, without] = [source(true), source(false)];
        assert!(with.starts_with(&without));
        assert_eq!(with.matches("impl Step for").count(), STATES);
    }
}
