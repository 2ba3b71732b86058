//! What this machine has for guests, what it lacks, and what mends it. It changes nothing; what only trying can tell, a probe
//! guest of a few milliseconds tries.
use crate::{Home, Part, Problem, machine::room, patience::within, problem::failed};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Guests run, and something could be better.
    Note,
    /// Guests do not run.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub subject: &'static str,
    /// How it stands.
    pub state: State,
    /// What was seen.
    pub text: String,
    /// What mends it; empty where nothing needs to be done.
    pub fix: String,
}

impl Finding {
    fn good(subject: &'static str, text: impl Into<String>) -> Finding {
        Finding { subject, state: State::Good, text: text.into(), fix: String::new() }
    }
    fn of(state: State, subject: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { subject, state, text: text.into(), fix: fix.into() }
    }
    fn missing(subject: &'static str, problem: Problem) -> Finding {
        match problem {
            Problem::Missing { what, remedy } => Finding::of(State::Bad, subject, what, remedy),
            other => Finding::of(State::Bad, subject, other.chain(), String::new()),
        }
    }

    /// Whether guests do not run because of it.
    pub fn is_bad(&self) -> bool {
        self.state == State::Bad
    }
}

/// Whether this machine can run guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Whether it can.
    pub is_real: bool,
    /// What was seen.
    pub why: String,
    /// What mends it; empty where nothing needs to be done.
    pub remedy: String,
}

/// A probe guest takes milliseconds, in an emulated machine seconds.
const PROBE_PATIENCE: Duration = Duration::from_secs(60);
/// An answer is a line.
const PROBE_BYTES_MAX: u64 = 1 << 16;
/// The version of monitors that this speaks with: the one that it was built with.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Lets the monitor look whether this machine can run guests.
///
/// # Errors
/// When the monitor is not there, cannot be started, or is of another version.
pub fn probe() -> Result<Probe, Problem> {
    probe_by(&Part::Monitor.find()?, PROBE_PATIENCE)
}

/// What a monitor says to a probe, which gets none of our variables. One that says nothing is ended.
fn output_of(monitor: &Path, patience: Duration) -> Result<Vec<u8>, Problem> {
    let mut command = Command::new(monitor);
    command.args(["probe", "--json"]).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed(format!("start {}", monitor.display())))?;
    let said = child.stdout.take().expect("it was asked for");
    let read = within(patience, move || {
        let mut bytes = Vec::new();
        said.take(PROBE_BYTES_MAX).read_to_end(&mut bytes).map(|_| bytes)
    });
    // It has said all, or too much, or too little.
    if !matches!(read, Some(Ok(_))) {
        let _ended = child.kill();
    }
    let _waited = child.wait();
    let Some(read) = read else {
        return Err(Problem::Unavailable(format!(
            "the monitor {} does not say within {} s whether guests can run",
            monitor.display(),
            patience.as_secs()
        )));
    };
    read.map_err(failed(format!("hear {}", monitor.display())))
}

fn probe_by(monitor: &Path, patience: Duration) -> Result<Probe, Problem> {
    let output = output_of(monitor, patience)?;
    let other = |found: String| Problem::Missing {
        what: format!("the monitor {} is {found}, and this is version {VERSION}", monitor.display()),
        remedy: format!(
            "install both from one version, or name the right one in {}",
            Part::Monitor.variable()
        ),
    };
    let said: Value = serde_json::from_slice(&output)
        .map_err(|_| other("no monitor, or one of another version".to_owned()))?;
    match said["version"].as_str() {
        Some(version) if version == VERSION => {}
        Some(version) => return Err(other(format!("of version {version}"))),
        None => return Err(other("of a version that does not say so".to_owned())),
    }
    let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
    Ok(Probe { is_real: said["verdict"] == "real", why: text("why"), remedy: text("remedy") })
}

impl Probe {
    /// Refuses to go on where guests cannot run.
    ///
    /// # Errors
    /// Then, with what was seen and what mends it. Nothing less isolated is put in a guest's place.
    pub fn required(&self) -> Result<(), Problem> {
        if self.is_real {
            return Ok(());
        }
        let what = format!("this machine cannot run guests: {}", self.why);
        Err(Problem::Missing { what, remedy: self.remedy.clone() })
    }

    fn finding(self) -> Finding {
        match self.is_real {
            true => Finding::good("kvm", self.why),
            false => Finding::of(State::Bad, "kvm", self.why, self.remedy),
        }
    }
}

/// Looks whether this machine can run guests, in one finding.
pub fn kvm() -> Finding {
    probe().map_or_else(|problem| Finding::missing("kvm", problem), Probe::finding)
}

/// Looks at everything.
pub fn examine(home: &Home) -> Vec<Finding> {
    let part = |subject, part: Part| match part.find() {
        Ok(place) => Finding::good(subject, place.display().to_string()),
        Err(problem) => Finding::missing(subject, problem),
    };
    let monitor = part("monitor", Part::Monitor);
    // Without a monitor nobody can try, and that was said.
    let kvm = (!monitor.is_bad()).then(kvm);
    let mut findings = vec![monitor, part("agent", Part::Agent)];
    findings.extend(kvm);
    findings.push(kernels(&home.root, &env::var_os("PATH").unwrap_or_default()));
    findings.extend(space(&home.root));
    findings.push(guests(home));
    findings
}

/// Where a kernel would come from, without fetching one.
fn kernels(home: &Path, path: &std::ffi::OsStr) -> Finding {
    const NAME_ONE: &str = "name a kernel with `--kernel FILE --modules DIRECTORY`";
    let find =
        |tool: &str| env::split_paths(path).map(|place| place.join(tool)).find(|place| place.is_file());
    let images = fs::read_dir(home.join("images")).map_or(0, |entries| entries.flatten().count());
    let missing: Vec<_> =
        ["apt-get", "apt-cache", "dpkg-deb"].into_iter().filter(|tool| find(tool).is_none()).collect();
    let running = || {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let image = PathBuf::from(format!("/boot/vmlinuz-{}", release.trim()));
        fs::File::open(&image).map(|_| image)
    };
    match (missing.is_empty(), running()) {
        (true, _) => Finding::good("kernel", format!("the distribution's package; images here: {images}")),
        (false, Ok(image)) => Finding::good("kernel", format!("{}; images here: {images}", image.display())),
        (false, Err(error)) => {
            let state = if images > 0 { State::Note } else { State::Bad };
            let what = format!(
                "no package can be fetched without {}, and this machine's kernel cannot be read: {error}",
                missing.join(", ")
            );
            Finding::of(state, "kernel", what, NAME_ONE)
        }
    }
}

/// An image with its kernel, and a snapshot of a small guest.
const ROOM_BYTES: u64 = 1 << 30;

fn space(home: &Path) -> Option<Finding> {
    let free = room(home)?;
    let text = format!("{} MiB are free for {}", free >> 20, home.display());
    Some(match free >= ROOM_BYTES {
        true => Finding::good("room", text),
        false => Finding::of(
            State::Note,
            "room",
            text,
            format!(
                "free {} MiB (`guest prune` and `guest remove SNAPSHOT` do): an image takes about 100, a snapshot as much as its guest's memory",
                ROOM_BYTES >> 20
            ),
        ),
    })
}

fn guests(home: &Home) -> Finding {
    let all = match home.look() {
        Ok(all) => all,
        Err(problem) => return Finding::missing("guests", problem),
    };
    let killed: Vec<_> = all.iter().filter(|listed| listed.standing == crate::Standing::Gone).collect();
    match &killed[..] {
        [] => Finding::good("guests", format!("{} run", all.len())),
        [first, ..] => Finding::of(
            State::Note,
            "guests",
            format!("{} run, {} were killed", all.len() - killed.len(), killed.len()),
            format!("`guest stop {}` clears away what the first of them left", first.name),
        ),
    }
}

/// Returns findings as lines.
pub fn as_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &format!("{:<5} {:<8} {}\n", word(finding.state), finding.subject, finding.text);
        if !finding.fix.is_empty() {
            text += &format!("               → {}\n", finding.fix);
        }
    }
    text
}

/// Returns findings for a program.
pub fn as_json(findings: &[Finding]) -> Value {
    let row = |finding: &Finding| {
        let Finding { subject, state, text, fix } = finding;
        json!({"subject": subject, "state": word(*state), "text": text, "fix": fix})
    };
    let ok = !findings.iter().any(Finding::is_bad);
    json!({"ok": ok, "findings": findings.iter().map(row).collect::<Vec<_>>()})
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "ok",
        State::Note => "note",
        State::Bad => "bad",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::os::unix::fs::PermissionsExt;

    /// A program in a directory. It is another one that writes it: what a test beside this one starts just now would have the
    /// file open, too, and nothing runs that somebody may write.
    fn put(home: &Path, text: &str) -> std::path::PathBuf {
        let (draft, monitor) = (home.join("draft"), home.join("oxydra-vmm"));
        fs::write(&draft, text).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("cp").arg("-p").args([&draft, &monitor]).status().unwrap().success());
        monitor
    }

    /// A monitor that says this, whatever it is asked.
    fn check(says: &str, expected: Expect) {
        let home = tempfile::tempdir().unwrap();
        let monitor = put(home.path(), &format!("#!/bin/sh\ncat <<'END'\n{says}\nEND\n"));
        let said = probe_by(&monitor, PROBE_PATIENCE).and_then(|probe| probe.required());
        let said = said.map_or_else(|why| why.to_string(), |()| "goes on".to_owned());
        expected.assert_eq(&said.replace(&monitor.display().to_string(), "MONITOR"));
    }

    #[test]
    fn only_a_real_machine_and_a_monitor_of_this_version_will_do() {
        let said = |verdict: &str, why: &str, remedy: &str| {
            json!({"verdict": verdict, "why": why, "remedy": remedy, "version": VERSION}).to_string()
        };
        check(&said("real", "a probe guest ran", ""), expect!["goes on"]);
        check(
            &said("no_permission", "this user may not open /dev/kvm", "join the group"),
            expect!["this machine cannot run guests: this user may not open /dev/kvm; join the group"],
        );
        check(
            r#"{"verdict":"real","why":"","remedy":"","version":"0.0.1"}"#,
            expect![
                "the monitor MONITOR is of version 0.0.1, and this is version 0.1.0; install both from one version, or name the right one in OXYDRA_VMM"
            ],
        );
        check(
            "hello",
            expect![
                "the monitor MONITOR is no monitor, or one of another version, and this is version 0.1.0; install both from one version, or name the right one in OXYDRA_VMM"
            ],
        );
    }

    #[test]
    fn a_monitor_that_says_nothing_is_not_waited_for_and_one_sees_no_variable_of_ours() {
        let home = tempfile::tempdir().unwrap();
        let put = |text: &str| put(home.path(), text);
        let silent = probe_by(&put("#!/bin/sh\nread forever </dev/zero\n"), Duration::from_millis(1));
        assert!(silent.unwrap_err().chain().contains("does not say within 0 s whether guests can run"));
        // Whoever runs tests has a home.
        let said = output_of(&put("#!/bin/sh\necho \"home=$HOME cargo=$CARGO\"\n"), PROBE_PATIENCE).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), "home= cargo=\n");
    }

    #[test]
    fn a_machine_without_packages_is_told_what_to_name() {
        let home = tempfile::tempdir().unwrap();
        let bad = kernels(home.path(), std::ffi::OsStr::new(""));
        // A machine that boots from a kernel which anybody may read has one.
        assert!(bad.state == State::Good || bad.fix.contains("--kernel FILE"), "{bad:?}");
        fs::create_dir_all(home.path().join("images/one")).unwrap();
        assert!(!kernels(home.path(), std::ffi::OsStr::new("")).is_bad());
    }

    #[test]
    fn findings_are_lines_with_what_mends_them() {
        let findings = [
            Finding::good("kvm", "a probe guest ran as on hardware"),
            Finding::of(State::Bad, "agent", "it is nowhere", "install it"),
        ];
        expect![[r#"
            ok    kvm      a probe guest ran as on hardware
            bad   agent    it is nowhere
                           → install it
        "#]]
        .assert_eq(&as_text(&findings));
        assert_eq!(as_json(&findings)["ok"], json!(false));
    }
}
