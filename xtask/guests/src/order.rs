//! What was typed, as a value. Names of guests and snapshots become names of directories, so they are checked here.
use crate::{Fallible, failed, machine::Extent};
use image::KernelSource;
use lexopt::{Arg, Parser, ValueExt};
use std::{env, ffi::OsString, path::PathBuf};

pub(crate) const HELP: &str = "\
cargo xtask guest COMMAND

  doctor                       say whether this machine can run guests, and what it lacks
  build                        make a guest image, or find it in the cache, and print where it is
  boot NAME                    start a guest and wait for its agent
  exec NAME [-c SCRIPT | PROGRAM [ARGUMENTS…]]   run a command in it; the exit code is the command's
  shell NAME                   open a terminal in it
  list                         the guests that run
  snapshot NAME SNAPSHOT [--difference]   write a running guest down, or what changed since it was restored
  restore SNAPSHOT NAME        start another guest from it
  stop NAME                    power a guest off
  lane direct                  test the agent in QEMU, without our monitor
  lane nested                  test everything in QEMU: our monitor runs guests within

flags of build and boot:
  --kernel FILE --modules DIRECTORY   this kernel and its modules, instead of the distribution's package
  --root DIRECTORY | FILE.tar         what commands find, instead of busybox
  --memory MIB (256)  --vcpus N (1)   of a guest that boots
flags of boot and restore:
  --jail on|off (on)                  off is for debugging the monitor only
flags of each command:
  --home DIRECTORY                    where images, guests and snapshots are
";

/// A name of 1 to 32 of a-z, 0-9, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// The longest path of a Unix socket is about a hundred bytes, and a guest's sockets lie beneath its name.
const NAME_BYTES_MAX: usize = 32;

impl Name {
    pub(crate) fn new(text: String) -> Fallible<Name> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_plain) {
            return Ok(Name(text));
        }
        Err(format!("`{text}` is no name: use 1 to {NAME_BYTES_MAX} of a-z, 0-9, `-` and `_`"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Doctor,
    Build,
    Boot(Name),
    Exec(Name, Vec<OsString>),
    Script(Name, String),
    Shell(Name),
    List,
    Snapshot(Name, Name),
    Restore(Name, Name),
    Stop(Name),
    LaneDirect,
    LaneNested,
    /// What the lane runs within its first guest.
    Inside,
}

/// What to do, and with what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) home: PathBuf,
    pub(crate) kernel: KernelSource,
    pub(crate) root: Option<PathBuf>,
    pub(crate) memory_mib: u64,
    pub(crate) vcpus: u8,
    pub(crate) jail: String,
    pub(crate) extent: Extent,
}

impl Order {
    /// Reads this program's arguments.
    pub(crate) fn parse() -> Fallible<Order> {
        Order::parse_from(Parser::from_env())
    }

    fn parse_from(mut parser: Parser) -> Fallible<Order> {
        let mut order = Order {
            command: Command::Help,
            home: env::var_os("OXYDRA_GUEST_HOME")
                .map_or_else(|| PathBuf::from("target/guest"), PathBuf::from),
            kernel: KernelSource::Distribution,
            root: None,
            memory_mib: 256,
            vcpus: 1,
            jail: "on".to_owned(),
            extent: Extent::Full,
        };
        let (mut words, mut script) = (Vec::<OsString>::new(), None);
        let (mut image, mut modules) = (None, None);
        let wrong = |error: lexopt::Error| error.to_string();
        while let Some(argument) = parser.next().map_err(wrong)? {
            match argument {
                Arg::Long("home") => order.home = parser.value().map_err(wrong)?.into(),
                Arg::Long("kernel") => image = Some(PathBuf::from(parser.value().map_err(wrong)?)),
                Arg::Long("modules") => modules = Some(PathBuf::from(parser.value().map_err(wrong)?)),
                Arg::Long("difference") => order.extent = Extent::Difference,
                Arg::Long("root") => order.root = Some(parser.value().map_err(wrong)?.into()),
                Arg::Long("memory") => order.memory_mib = number(&mut parser, "--memory")?,
                Arg::Long("vcpus") => order.vcpus = number(&mut parser, "--vcpus")?,
                Arg::Long("jail") => {
                    order.jail = parser.value().and_then(|value| value.string()).map_err(wrong)?
                }
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
                other @ (Arg::Long(_) | Arg::Short(_)) => return Err(wrong(other.unexpected())),
            }
        }
        order.kernel = match (image, modules) {
            (None, None) => KernelSource::Distribution,
            (Some(image), Some(modules)) => KernelSource::Path { image, modules },
            (Some(_), None) => {
                return Err("--kernel needs --modules DIRECTORY, its lib/modules/RELEASE".to_owned());
            }
            (None, Some(_)) => return Err("--modules needs --kernel FILE".to_owned()),
        };
        order.command = command(&words, script)?;
        Ok(order)
    }
}

fn number<N: std::str::FromStr>(parser: &mut Parser, flag: &str) -> Fallible<N> {
    let value = parser.value().map_err(|error| error.to_string())?;
    value
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("{flag}: `{}` is no such number", value.display()))
}

fn command(words: &[OsString], script: Option<String>) -> Fallible<Command> {
    let name = |word: &OsString| {
        let text = word.clone().into_string().map_err(|word| format!("`{}` is no name", word.display()))?;
        Name::new(text)
    };
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
        ("lane", [which], None) if which == "direct" => Command::LaneDirect,
        ("lane", [which], None) if which == "nested" => Command::LaneNested,
        ("inside", [], None) => Command::Inside,
        _ => return Err(failed::<&str>(format!("make sense of `{first}` with these words"))(HELP)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(words: &str, expected: Expect) {
        let order = Order::parse_from(Parser::from_args(words.split_whitespace()));
        expected.assert_eq(&match order {
            Ok(order) => format!("{:?}", order.command),
            Err(why) => why.lines().next().unwrap_or_default().to_owned(),
        });
    }

    #[test]
    fn commands_are_read() {
        check("", expect!["Help"]);
        check("boot one --memory 512", expect![[r#"Boot(Name("one"))"#]]);
        check("exec one ls -l --color", expect![[r#"Exec(Name("one"), ["ls", "-l", "--color"])"#]]);
        check("exec one -c exit", expect![[r#"Script(Name("one"), "exit")"#]]);
        check("restore gold two", expect![[r#"Restore(Name("gold"), Name("two"))"#]]);
        check("lane nested", expect!["LaneNested"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        check("boot", expect!["cannot make sense of `boot` with these words: cargo xtask guest COMMAND"]);
        check("boot ../up", expect!["`../up` is no name: use 1 to 32 of a-z, 0-9, `-` and `_`"]);
        check("exec one", expect!["cannot make sense of `exec` with these words: cargo xtask guest COMMAND"]);
        check("boot one --memory much", expect!["--memory: `much` is no such number"]);
        check("build --kernel k", expect!["--kernel needs --modules DIRECTORY, its lib/modules/RELEASE"]);
        check("dance", expect!["cannot make sense of `dance` with these words: cargo xtask guest COMMAND"]);
        check("list --colour", expect!["invalid option '--colour'"]);
    }
}
