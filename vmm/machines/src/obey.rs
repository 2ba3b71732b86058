//! Carries out what was typed, one function for each command. What comes of it goes to standard output, what takes long and
//! what is remarkable to standard error.
use crate::{
    Command, Finding, Home, Kept, Listed, Name, Order, Part, Problem, Program, Pruned, Settings, Standing,
    doctor,
    home::{IMAGES, PACKAGES},
    order::help,
    problem::failed,
    shell,
    talk::{PEOPLE, exit_code, plain, session},
};
use guest::Input;
use image::{Image, MODULES, Recipe, Root, build, find_busybox};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    thread,
};
use wire::{Arguments, Chunk, HostFrame, KillCall, Shown, Stream};

/// Does what was ordered, and returns the exit code.
///
/// # Errors
/// When it cannot be done; what mends it is said.
pub fn obey(program: &Program, order: &Order) -> Result<u8, Problem> {
    let home = Home { jail: order.jail, ..Home::new(order.home.clone()) };
    let say = |text: String, json: Value| say(if order.json { as_ascii(&json) } else { text });
    let runs = |name: &Name| {
        say(format!("the guest `{name}` runs\n"), json!({"guest": name.as_str(), "runs": true}))
    };
    match &order.command {
        Command::Help => self::say(help(program.name, program.more)),
        Command::Doctor => {
            let findings = doctor::examine(&home);
            say(doctor::as_text(&findings), doctor::as_json(&findings))?;
            Ok(u8::from(findings.iter().any(Finding::is_bad)))
        }
        Command::Build => {
            let image = make(order)?;
            let place = image.kernel.with_file_name("").display().to_string();
            say(format!("{place}\nkernel {}\n", image.release), of_image(&image))
        }
        Command::Boot(name) => {
            doctor::probe()?.required()?;
            // Until its guest runs, nobody sees that the image is needed.
            let _in_use = home.in_use()?;
            let image = make(order)?;
            home.boot(name, &Settings::of(&image, order.memory_mib, order.vcpus))?;
            runs(name)
        }
        Command::Exec(name, words) => {
            let arguments = Arguments::new(words).map_err(failed("send the command"))?;
            exec(&home, name, wire::Program::Arguments(arguments), order.has_input)
        }
        Command::Script(name, script) => {
            let script = Chunk::new(script.as_str()).map_err(failed("send the script"))?;
            exec(&home, name, wire::Program::Script(script), order.has_input)
        }
        Command::Shell(name) => shell::shell(home.machine(name).converse()?, PEOPLE),
        Command::List => {
            home.collect()?;
            let (all, kept) = (home.list()?, home.kept()?);
            let rows: Vec<_> = all.iter().map(as_json).collect();
            let snapshots: Vec<_> = kept.iter().map(kept_as_json).collect();
            if all.is_empty() && !order.json {
                tell(&format!("none runs: `{} boot NAME` starts one", program.name));
            }
            let lines = all.iter().map(as_line).chain(kept.iter().map(kept_as_line));
            say(lines.collect(), json!({"guests": rows, "snapshots": snapshots}))
        }
        Command::Snapshot(name, snapshot) => {
            home.machine(name).snapshot(&home, snapshot, order.extent, &mut tell)?;
            let text = format!("`{} restore {snapshot} NAME` starts a guest from it\n", program.name);
            say(text, json!({"guest": name.as_str(), "snapshot": snapshot.as_str()}))
        }
        Command::Restore(snapshot, name) => {
            doctor::probe()?.required()?;
            home.restore(snapshot, name)?;
            runs(name)
        }
        Command::Remove(snapshot) => {
            home.remove(snapshot)?;
            let text = format!("the snapshot `{snapshot}` is gone\n");
            say(text, json!({"snapshot": snapshot.as_str(), "removed": true}))
        }
        Command::Prune => {
            let Pruned { images, packages, snapshots } = home.prune()?;
            let line = |kind: &str, name: &String| format!("the {kind} {name} is gone\n");
            let lines = images.iter().map(|name| line("image", name));
            let lines = lines.chain(packages.iter().map(|name| line("package", name)));
            let lines = lines.chain(snapshots.iter().map(|name| line("rest of the snapshot", name)));
            let lines: String = lines.collect();
            if lines.is_empty() && !order.json {
                tell("nothing is there that nothing needs");
            }
            say(lines, json!({"images": images, "packages": packages, "snapshots": snapshots}))
        }
        Command::Stop(name) => {
            let ran = home.machine(name).stop()?;
            let text = if ran { "is off" } else { "was killed before; what it left is cleared away" };
            say(format!("the guest `{name}` {text}\n"), json!({"guest": name.as_str(), "ran": ran}))
        }
    }
}

fn say(text: String) -> Result<u8, Problem> {
    match io::stdout().write_all(Shown(&text).to_string().as_bytes()) {
        // A reader that closed its end has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed("print")(error)),
        Ok(()) | Err(_) => Ok(0),
    }
}

/// A line of JSON that a terminal can be shown as well: the same values, and nothing but ASCII.
fn as_ascii(json: &Value) -> String {
    let mut line = String::new();
    for letter in json.to_string().chars() {
        match letter {
            ' '..='~' => line.push(letter),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    line += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    line + "\n"
}

/// Says what takes long, to whoever waits.
fn tell(what: &str) {
    // Nobody may be there to read it.
    let _unread = writeln!(io::stderr(), "guest: {}", Shown(what));
}

/// Builds the image that an order wants.
///
/// # Errors
/// When a part of it is not there, or there is no room for it.
pub fn make(order: &Order) -> Result<Image, Problem> {
    let init = Part::Agent.find()?;
    // Made here, so that nothing is built behind a link.
    let home = Home::new(order.home.clone());
    let _in_use = home.in_use()?;
    for name in [IMAGES, PACKAGES] {
        home.made(name)?;
    }
    let root = match &order.root {
        None => Root::Minimal { busybox: find_busybox(&order.home, &mut tell)? },
        Some(place) if place.is_dir() => Root::Directory(place.clone()),
        Some(place) => Root::Tar(place.clone()),
    };
    let (kernel, modules) = (order.kernel.clone(), MODULES.to_vec());
    let recipe = Recipe { kernel, root, init, modules, files: Vec::new() };
    Ok(build(&recipe, &order.home, &mut tell)?)
}

fn of_image(image: &Image) -> Value {
    json!({
        "image": image.id, "kernel": image.kernel, "initrd": image.initrd, "release": image.release,
        "was_cached": image.was_cached,
    })
}

impl Settings {
    /// What a guest of an image is started with.
    pub fn of(image: &Image, memory_mib: u64, vcpus: u8) -> Settings {
        Settings {
            kernel: image.kernel.clone(),
            initrd: image.initrd.clone(),
            image: image.id.clone(),
            memory_mib,
            vcpus,
        }
    }
}

fn as_line(listed: &Listed) -> String {
    let name = &listed.name;
    match &listed.standing {
        Standing::Running(stats) => {
            let phase = stats["phase"].as_str().unwrap_or_default().replace('_', " ");
            let (memory, vcpus) = (&stats["memory_mib"], &stats["vcpus"]);
            format!("{name}  {phase}, {memory} MiB, {vcpus} vCPU\n")
        }
        Standing::Unready(_) => {
            format!("{name}  restored, and not ready: it has not its own time and random numbers\n")
        }
        Standing::Silent(why) => format!("{name}  {why}\n"),
        Standing::Gone => format!("{name}  killed: `stop {name}` clears away what it left\n"),
    }
}

fn kept_as_line(kept: &Kept) -> String {
    let Kept { name, bytes, base } = kept;
    let differs = base.as_ref().map_or(String::new(), |base| format!(", what differs from `{base}`"));
    format!("{name}  snapshot, {} MiB{differs}\n", bytes >> 20)
}

fn kept_as_json(kept: &Kept) -> Value {
    let Kept { name, bytes, base } = kept;
    json!({"name": name.as_str(), "bytes": bytes, "base": base.as_ref().map(Name::as_str)})
}

fn as_json(listed: &Listed) -> Value {
    let name = listed.name.as_str();
    match &listed.standing {
        Standing::Running(stats) => json!({"name": name, "standing": "running", "stats": stats}),
        Standing::Unready(stats) => json!({"name": name, "standing": "unready", "stats": stats}),
        Standing::Silent(why) => json!({"name": name, "standing": "silent", "why": why}),
        Standing::Gone => json!({"name": name, "standing": "killed"}),
    }
}

fn exec(home: &Home, name: &Name, program: wire::Program, has_input: bool) -> Result<u8, Problem> {
    let mut conversation = home.machine(name).converse()?;
    conversation.ask(&session(PEOPLE)).map_err(failed("open a session"))?;
    let mut command = plain(PEOPLE, program)?;
    command.has_input = has_input;
    let feed = |input: Input| {
        if has_input {
            // Ends with this process, if the command does not read to the end.
            thread::spawn(move || {
                shell::type_into(&input, |_| Ok(()));
                input.send(&HostFrame::InputEnd(()))
            });
        }
    };
    let (call, input) = (command.call, conversation.input());
    let mut reader = Reader::default();
    let exit = conversation.exec_fed(command, feed, |stream, bytes| {
        let written = match stream {
            Stream::Out => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
            Stream::Err => io::stderr().write_all(bytes),
        };
        if let Some(signal) = reader.signal(&written, bytes.len()) {
            // A conversation that is over has no command any more.
            let _over = input.send(&HostFrame::KillCall(KillCall { call, signal }));
        }
    });
    let exit = exit.map_err(failed("run the command"))?;
    let (code, why) = exit_code(&exit);
    if let Some(why) = why {
        tell(&format!("the command did not start: {why}"));
    }
    Ok(code)
}

/// Who reads what a command prints. One that closed its end is a broken pipe to the command, as it would be here.
#[derive(Debug, Default)]
struct Reader {
    has_gone: bool,
    unread_bytes: usize,
}

/// A command that goes on printing after it was told that nobody reads is ended. What it printed before is on its way still.
const UNREAD_BYTES_MAX: usize = 16 << 20;

impl Reader {
    /// Which signal the command gets, when this came of writing so many bytes.
    fn signal(&mut self, written: &io::Result<()>, len: usize) -> Option<u8> {
        const SIGKILL: u8 = 9;
        const SIGPIPE: u8 = 13;
        if !matches!(written, Err(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return None;
        }
        self.unread_bytes = self.unread_bytes.saturating_add(len);
        let is_first = !std::mem::replace(&mut self.has_gone, true);
        match self.unread_bytes > UNREAD_BYTES_MAX {
            true => Some(SIGKILL),
            false => is_first.then_some(SIGPIPE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_command_whose_reader_is_gone_is_told_once_and_then_ended() {
        let gone = || Err(io::ErrorKind::BrokenPipe.into());
        let mut reader = Reader::default();
        let said = [
            reader.signal(&Ok(()), UNREAD_BYTES_MAX),
            reader.signal(&Err(io::ErrorKind::StorageFull.into()), 1),
            reader.signal(&gone(), 1),
            reader.signal(&gone(), 1),
            reader.signal(&gone(), UNREAD_BYTES_MAX),
        ];
        assert_eq!(said, [None, None, Some(13), None, Some(9)]);
    }

    #[test]
    fn json_stays_what_it_was_and_moves_no_cursor() {
        let said = json!({"why": "\x1b[2J\u{9b}2J\x7f \u{202e} ü 🦀 \"quoted\"\n"});
        let line = as_ascii(&said);
        assert!(line.trim_end().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), said);
    }

    #[test]
    fn a_guest_is_a_line_or_a_row() {
        let listed = |name: &str, standing| Listed { name: Name::new(name).unwrap(), standing };
        let all = [
            listed("one", Standing::Running(json!({"phase": "agent_ready", "memory_mib": 256, "vcpus": 2}))),
            listed("odd", Standing::Silent("its monitor says nothing for 5 s".to_owned())),
            listed("new", Standing::Unready(json!({"phase": "agent_ready"}))),
            listed("two", Standing::Gone),
        ];
        expect![[r#"
            one  agent ready, 256 MiB, 2 vCPU
            odd  its monitor says nothing for 5 s
            new  restored, and not ready: it has not its own time and random numbers
            two  killed: `stop two` clears away what it left
        "#]]
        .assert_eq(&all.iter().map(as_line).collect::<String>());
        assert_eq!(as_json(&all[2])["standing"], "unready");
        let kept = Kept { name: Name::new("since").unwrap(), bytes: 3 << 20, base: Name::new("gold").ok() };
        expect!["since  snapshot, 3 MiB, what differs from `gold`\n"].assert_eq(&kept_as_line(&kept));
        let row = json!({"name": "since", "bytes": 3 << 20, "base": "gold"});
        assert_eq!(kept_as_json(&kept), row);
        assert_eq!(as_json(&all[3]), json!({"name": "two", "standing": "killed"}));
    }
}
