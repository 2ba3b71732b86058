//! What was typed, as a value. It opens nothing; names become names of directories, so they are checked here.
use crate::{Extent, Jail, Name, Problem};
use image::KernelSource;
use lexopt::{Arg, Parser, ValueExt};
use std::{ffi::OsString, fmt::Display, ops::RangeInclusive, path::PathBuf, str::FromStr};

/// What a monitor gives to a guest: less, no kernel boots in, and of more none is sure. It is refused here before an image is
/// made for it.
const MEMORY_MIB: RangeInclusive<u64> = 48..=65_536;
/// As many processors as a monitor gives.
const VCPUS: RangeInclusive<u8> = 1..=16;

/// The program whose command this is.
#[derive(Debug, Clone)]
pub struct Program {
    /// What a person types before the command: `oxydra guest`.
    pub name: &'static str,
    /// The home when none is named.
    pub home: PathBuf,
    /// Where in a home guests are.
    pub within: &'static str,
    /// Lines on commands that only this program has.
    pub more: &'static str,
}

/// What is said of the commands, for a program.
pub fn help(program: &str, more: &str) -> String {
    format!(
        "\
usage: {program} COMMAND

  doctor                       whether this machine can run guests, what it lacks, and what mends it
  build                        make a guest image, or find it in the cache, and print where it is
  boot NAME                    start a guest and wait for its agent; the image is made first if there is none
  exec NAME PROGRAM [ARGUMENTS…]   run a program in it; the exit code is the program's
  exec NAME -c SCRIPT          the same with a script, in a shell that remembers directory and variables
  shell NAME                   open a terminal in it
  list                         the guests that run, those whose monitor was killed, and snapshots
  snapshot NAME SNAPSHOT       write a running guest down; with --difference only what changed since it was restored
  restore SNAPSHOT NAME        start another guest from it, with its own time and random numbers
  stop NAME                    power a guest off, or clear away what a killed one left
  remove SNAPSHOT              take a snapshot off the disk, unless a guest runs from it or another one differs from it
  prune                        take off the disk images that nothing needs, and packages, which are fetched again when needed
{more}
flags of build and boot:
  --kernel FILE --modules DIRECTORY   this kernel and its modules, instead of the distribution's package
  --root DIRECTORY | FILE.tar         what commands find, instead of busybox; a tar as `docker export` writes it, or packed
  --memory MIB (256)  --vcpus N (1)   of a guest that boots
flag of exec:
  -i, --input                         give it what standard input has
flags of boot and restore:
  --jail on|off (on)                  off is for debugging the monitor only
flags of each command:
  --home DIR                          where images, guests and snapshots are
  --json                              one JSON object instead of text (not exec, not shell)

A guest is a virtual machine without a network, run by `oxydra-vmm` with `oxydra-agent` as its first process. Both are looked
for where OXYDRA_VMM and OXYDRA_AGENT say, beside this program, and on the search path. A guest goes on when this command ends.

exit codes: 0 done · 1 failed · 2 usage · of exec and shell: the program's, 124 out of time, 126 not started, 125 no such guest
"
    )
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Print the help.
    Help,
    /// Say what this machine lacks.
    Doctor,
    /// Make an image.
    Build,
    /// Start a guest.
    Boot(Name),
    /// Run a program.
    Exec(Name, Vec<OsString>),
    /// Run a script.
    Script(Name, String),
    /// Open a terminal.
    Shell(Name),
    /// Say which guests are there.
    List,
    /// Write a guest down.
    Snapshot(Name, Name),
    /// Start another one from what was written.
    Restore(Name, Name),
    /// End a guest.
    Stop(Name),
    /// Take a snapshot off the disk.
    Remove(Name),
    /// Take off the disk what nothing needs.
    Prune,
}

/// What to do, and with what.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// What to do.
    pub command: Command,
    /// Where guests are.
    pub home: PathBuf,
    /// Which kernel an image is made with.
    pub kernel: KernelSource,
    /// What commands find in an image; busybox when nothing is named.
    pub root: Option<PathBuf>,
    /// Memory of a guest that boots.
    pub memory_mib: u64,
    /// Processors of a guest that boots.
    pub vcpus: u8,
    /// Whether monitors go to jail.
    pub jail: Jail,
    /// How much a snapshot holds.
    pub extent: Extent,
    /// Whether a program reads what comes of it.
    pub json: bool,
    /// Whether a command gets standard input.
    pub has_input: bool,
}

fn wrong(error: lexopt::Error) -> Problem {
    Problem::Usage(error.to_string())
}

impl Order {
    /// Reads what follows the program's name.
    ///
    /// # Errors
    /// What makes no sense is refused with what would.
    pub fn parse(program: &Program, arguments: impl IntoIterator<Item = OsString>) -> Result<Order, Problem> {
        let mut parser = Parser::from_args(arguments);
        let mut order = Order {
            command: Command::Help,
            home: program.home.clone(),
            kernel: KernelSource::Distribution,
            root: None,
            memory_mib: 256,
            vcpus: 1,
            jail: Jail::On,
            extent: Extent::Full,
            json: false,
            has_input: false,
        };
        let (mut words, mut script) = (Vec::<OsString>::new(), None);
        let (mut image, mut modules) = (None, None);
        while let Some(argument) = parser.next().map_err(wrong)? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(order),
                Arg::Long("home") => order.home = parser.value().map_err(wrong)?.into(),
                Arg::Long("kernel") => image = Some(PathBuf::from(parser.value().map_err(wrong)?)),
                Arg::Long("modules") => modules = Some(PathBuf::from(parser.value().map_err(wrong)?)),
                Arg::Long("difference") => order.extent = Extent::Difference,
                Arg::Long("json") => order.json = true,
                Arg::Long("input") | Arg::Short('i') => order.has_input = true,
                Arg::Long("root") => order.root = Some(parser.value().map_err(wrong)?.into()),
                Arg::Long("memory") => order.memory_mib = number(&mut parser, "--memory", MEMORY_MIB)?,
                Arg::Long("vcpus") => order.vcpus = number(&mut parser, "--vcpus", VCPUS)?,
                Arg::Long("jail") => order.jail = jail(&mut parser)?,
                Arg::Short('c') => {
                    script = Some(parser.value().and_then(|value| value.string()).map_err(wrong)?)
                }
                Arg::Value(word) => {
                    words.push(word);
                    // Whatever follows the name in `exec NAME PROGRAM …` is the program's.
                    if words.len() == 3 && words[0] == "exec" {
                        words.extend(parser.raw_args().map_err(wrong)?);
                    }
                }
                other @ (Arg::Long(_) | Arg::Short(_)) => {
                    let what = other.unexpected();
                    return Err(Problem::Usage(format!("{what}: try `{} --help`", program.name)));
                }
            }
        }
        if order.home.as_os_str().is_empty() {
            return Err(Problem::Usage("--home is empty: name a directory, or leave it out".to_owned()));
        }
        let home = std::path::absolute(&order.home);
        order.home = home.map_err(crate::problem::failed("find the home"))?.join(program.within);
        order.kernel = match (image, modules) {
            (None, None) => KernelSource::Distribution,
            (Some(image), Some(modules)) => KernelSource::Path { image, modules },
            (Some(_), None) => {
                return Err(Problem::Usage(
                    "--kernel needs --modules DIRECTORY, its lib/modules/RELEASE".to_owned(),
                ));
            }
            (None, Some(_)) => return Err(Problem::Usage("--modules needs --kernel FILE".to_owned())),
        };
        order.command = command(program, &words, script)?;
        order.checked()
    }

    /// Flags that would be overlooked are refused.
    fn checked(self) -> Result<Order, Problem> {
        let is_exec = matches!(self.command, Command::Exec(..) | Command::Script(..));
        let refused = |what: &str| Err(Problem::Usage(what.to_owned()));
        if self.json && (is_exec || matches!(self.command, Command::Shell(_))) {
            return refused("--json: what a command in a guest prints is its own");
        }
        if self.has_input && !is_exec {
            return refused("--input belongs to `exec NAME …`");
        }
        if self.extent == Extent::Difference && !matches!(self.command, Command::Snapshot(..)) {
            return refused("--difference belongs to `snapshot NAME SNAPSHOT`");
        }
        Ok(self)
    }
}

fn number<N: FromStr + PartialOrd + Display>(
    parser: &mut Parser,
    flag: &str,
    bounds: RangeInclusive<N>,
) -> Result<N, Problem> {
    let value = parser.value().map_err(wrong)?;
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        Problem::Usage(format!("{flag}: `{}` is no number between {least} and {most}", value.display()))
    })
}

fn jail(parser: &mut Parser) -> Result<Jail, Problem> {
    let value = parser.value().and_then(|value| value.string()).map_err(wrong)?;
    match value.as_str() {
        "on" => Ok(Jail::On),
        "off" => Ok(Jail::Off),
        _ => Err(Problem::Usage(format!("--jail is `on` or `off`, not `{value}`"))),
    }
}

fn command(program: &Program, words: &[OsString], script: Option<String>) -> Result<Command, Problem> {
    let name = |word: &OsString| Name::new(word.to_string_lossy());
    let Some((first, rest)) = words.split_first() else { return Ok(Command::Help) };
    let first = first.to_string_lossy();
    Ok(match (first.as_ref(), rest, script) {
        ("help", [], None) => Command::Help,
        ("doctor", [], None) => Command::Doctor,
        ("build", [], None) => Command::Build,
        ("boot", [guest], None) => Command::Boot(name(guest)?),
        ("exec", [guest], Some(script)) => Command::Script(name(guest)?, script),
        ("exec", [guest, program @ ..], None) if !program.is_empty() => {
            Command::Exec(name(guest)?, program.to_vec())
        }
        ("shell", [guest], None) => Command::Shell(name(guest)?),
        ("list", [], None) => Command::List,
        ("snapshot", [guest, snapshot], None) => Command::Snapshot(name(guest)?, name(snapshot)?),
        ("restore", [snapshot, guest], None) => Command::Restore(name(snapshot)?, name(guest)?),
        ("stop", [guest], None) => Command::Stop(name(guest)?),
        ("remove", [snapshot], None) => Command::Remove(name(snapshot)?),
        ("prune", [], None) => Command::Prune,
        (first, ..) => return Err(Problem::Usage(usage(program, first))),
    })
}

/// How each command is written.
const USAGES: &[(&str, &str)] = &[
    ("doctor", "doctor"),
    ("build", "build"),
    ("boot", "boot NAME"),
    ("exec", "exec NAME PROGRAM [ARGUMENTS…]` or `exec NAME -c SCRIPT"),
    ("shell", "shell NAME"),
    ("list", "list"),
    ("snapshot", "snapshot NAME SNAPSHOT"),
    ("restore", "restore SNAPSHOT NAME"),
    ("stop", "stop NAME"),
    ("remove", "remove SNAPSHOT"),
    ("prune", "prune"),
];

fn usage(program: &Program, first: &str) -> String {
    match USAGES.iter().find(|(word, _)| *word == first) {
        Some((_, usage)) => format!("write `{usage}` (`{} --help`)", program.name),
        None => {
            let words: Vec<_> = USAGES.iter().map(|(word, _)| *word).collect();
            format!("`{} {first}` is no command: there are {}", program.name, words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn parsed(words: &str) -> Result<Order, Problem> {
        let program = Program { name: "oxydra guest", home: "/home".into(), within: "guest", more: "" };
        Order::parse(&program, words.split_whitespace().map(OsString::from))
    }

    fn check(words: &str, expected: Expect) {
        expected.assert_eq(&match parsed(words) {
            Ok(order) => format!("{:?}", order.command),
            Err(why) => why.to_string(),
        });
    }

    #[test]
    fn commands_are_read() {
        check("", expect!["Help"]);
        check("boot one --help", expect!["Help"]);
        check("boot one --memory 512", expect![[r#"Boot(Name("one"))"#]]);
        check("exec one ls -l --color", expect![[r#"Exec(Name("one"), ["ls", "-l", "--color"])"#]]);
        check("boot one --memory 48 --vcpus 16", expect![[r#"Boot(Name("one"))"#]]);
        check("boot one --memory 65536 --vcpus 1", expect![[r#"Boot(Name("one"))"#]]);
        check("exec one -c exit -i", expect![[r#"Script(Name("one"), "exit")"#]]);
        check("restore gold two", expect![[r#"Restore(Name("gold"), Name("two"))"#]]);
        check("list --json", expect!["List"]);
        check("remove gold --json", expect![[r#"Remove(Name("gold"))"#]]);
        check("prune", expect!["Prune"]);
        check("remove", expect!["write `remove SNAPSHOT` (`oxydra guest --help`)"]);
        check("prune gold", expect!["write `prune` (`oxydra guest --help`)"]);
    }

    #[test]
    fn guests_are_within_the_home() {
        assert_eq!(parsed("list").unwrap().home, PathBuf::from("/home/guest"));
        assert_eq!(parsed("list --home /elsewhere").unwrap().home, PathBuf::from("/elsewhere/guest"));
        assert!(parsed("list --home x").unwrap().home.is_absolute());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        check("boot", expect!["write `boot NAME` (`oxydra guest --help`)"]);
        check("boot ../up", expect!["`../up` is no name: use 1 to 32 of a-z, 0-9, `-` and `_`"]);
        check(
            "exec one",
            expect![
                "write `exec NAME PROGRAM [ARGUMENTS…]` or `exec NAME -c SCRIPT` (`oxydra guest --help`)"
            ],
        );
        check("boot one --memory much", expect!["--memory: `much` is no number between 48 and 65536"]);
        for memory in ["0", "1", "47", "65537", "1048576", "99999999999999999999", "-1", ""] {
            let why = parsed(&format!("boot one --memory={memory}")).unwrap_err().to_string();
            assert_eq!(why, format!("--memory: `{memory}` is no number between 48 and 65536"));
        }
        check("boot one --vcpus 0", expect!["--vcpus: `0` is no number between 1 and 16"]);
        check("boot one --vcpus 17", expect!["--vcpus: `17` is no number between 1 and 16"]);
        check("boot one --jail maybe", expect!["--jail is `on` or `off`, not `maybe`"]);
        check("build --kernel k", expect!["--kernel needs --modules DIRECTORY, its lib/modules/RELEASE"]);
        check(
            "dance",
            expect![
                "`oxydra guest dance` is no command: there are doctor, build, boot, exec, shell, list, snapshot, restore, stop, remove, prune"
            ],
        );
        check("list --colour", expect!["invalid option '--colour': try `oxydra guest --help`"]);
        check("exec one --json -c ls", expect!["--json: what a command in a guest prints is its own"]);
        check("list -i", expect!["--input belongs to `exec NAME …`"]);
        check("boot one --difference", expect!["--difference belongs to `snapshot NAME SNAPSHOT`"]);
        check("list --home=", expect!["--home is empty: name a directory, or leave it out"]);
    }
}
