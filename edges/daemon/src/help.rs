//! What the program says of itself.

/// The home that is used when none is named.
pub(crate) const HOME: &str = ".oxydra";
/// The user when none is named.
pub(crate) const USER: &str = "default";

/// Writes the help of a command.
type Help = fn() -> String;

/// The commands, with what each says of itself.
const COMMANDS: &[(&str, Help)] = &[
    ("run", run),
    ("sessions", || SESSIONS.to_owned()),
    ("instances", || INSTANCES.to_owned()),
    ("graph", || GRAPH.to_owned()),
    ("guest", guest),
    ("config", || CONFIG.to_owned()),
    ("catalog", || CATALOG.to_owned()),
    ("doctor", || DOCTOR.to_owned()),
    ("cost", || COST.to_owned()),
    ("completions", || COMPLETIONS.to_owned()),
];

/// The names of the commands.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(name, _)| *name)
}

/// The commands, for who mistyped one.
pub(crate) fn commands() -> String {
    let names: Vec<_> = names().collect();
    let (last, others) = names.split_last().expect("there are commands");
    format!("the commands are {} and {last} (`oxydra --help`)", others.join(", "))
}

/// What there is to say on a command, or on the rehearsal.
pub(crate) fn on(about: &str) -> Option<String> {
    if about == "rehearsal" {
        return Some(rehearsal());
    }
    COMMANDS.iter().find(|(name, _)| *name == about).map(|(_, help)| help())
}

/// The long flags that a command knows: those that its help names.
pub(crate) fn flags_of(command: &str) -> Vec<String> {
    let name = command.strip_prefix("oxydra").map(str::trim).unwrap_or_default();
    let text = on(name).unwrap_or_else(|| OXYDRA.to_owned());
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.starts_with("--") && word.len() > 2);
    words.map(str::to_owned).chain(["--help".to_owned()]).collect()
}

/// The words that may follow a command: those that the usage in its help names or lists, in that order.
pub(crate) fn words_of(command: &str) -> Vec<String> {
    let text = on(command).unwrap_or_default();
    let start = format!("oxydra {command} ");
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let usage = text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(&start));
    let mut words = Vec::new();
    for (_, rest) in usage {
        // `park ID · unpark ID` are two, `[check]` may be left out, `bash|zsh` are any of these.
        let firsts = rest.split('·').filter_map(|part| part.split_whitespace().next());
        let all = firsts.flat_map(|word| word.trim_matches(['[', ']']).split('|'));
        words.extend(all.filter(is_word).filter(|word| !word.starts_with('-')).map(str::to_owned));
    }
    if words.is_empty() && text.starts_with(&format!("usage: {start}COMMAND")) {
        // They are listed below it.
        let list = text.lines().skip(2).take_while(|line| !line.is_empty());
        words.extend(list.filter_map(|line| line.split_whitespace().next()).map(str::to_owned));
        words.dedup();
    }
    words
}

const COMPLETIONS: &str = "\
usage: oxydra completions bash|zsh|fish

Prints what a shell needs to complete commands and flags. bash: `eval \"$(oxydra completions bash)\"`; zsh:
`source <(oxydra completions zsh)` behind compinit; fish: `oxydra completions fish > ~/.config/fish/completions/oxydra.fish`.
";

pub(crate) const OXYDRA: &str = "\
oxydra: an AI agent on your own machine, whose turns are typed, durable state graphs

usage: oxydra COMMAND [OPTIONS]

  run                  talk to an agent (see `oxydra run --help`)
  sessions             list your sessions; `show ID` shows one, `fork ID` goes on from a message of it, `forget ID`
                       takes it off the disk
  instances            list the runs of graphs; show one with its past, wait for it, park, cancel or
                       fork it, say what became of a call in doubt (see `oxydra instances --help`)
  graph list           list the graphs; `graph draw [NAME]` draws them
  config check         say everything that is wrong with the configuration; `config show --origin` prints what
                       counts and who set it, `config keys` what there is to set, `config schema` is for editors
  doctor               what is configured, reachable and missing, and what mends it
  cost                 what your sessions have used up
  catalog show         what models can do and cost; `catalog fetch` makes a newer catalog
  guest                virtual machines without a network: boot, exec, shell, snapshot, restore, list, stop, remove, prune,
                       doctor (see `oxydra guest --help`)
  completions SHELL    what bash, zsh or fish needs to complete all this
  help [COMMAND]       what a command does; `help rehearsal`: what the built-in model understands
  --version, --help

exit codes: 0 answered · 1 failed · 2 usage or configuration · 3 a person has to answer and nobody is there
            4 budget spent · 130 cancelled
";

pub(crate) const SESSIONS: &str = "\
usage: oxydra sessions [--home DIR] [--user U] [--json]
       oxydra sessions show ID [--home DIR] [--user U] [--json]
       oxydra sessions fork ID --at N [--home DIR] [--user U] [--json]
       oxydra sessions forget ID [--home DIR] [--user U] [--json]

Lists the sessions of a user, the latest first (`--json` prints one `session_list` frame), or shows what was said in one, with
numbers. Both read beside a running `oxydra run`.

`fork` makes a new session that begins with the messages 1 to N of another one, and prints its id. The messages are shared,
not copied, with what was attached to them; to say message N otherwise, fork at N - 1 and attach its files again, or use
`oxydra instances fork`, which keeps them. The files of the workspace are not forked. It needs the home to itself.

`forget` takes a session off the lists, and what was said in it off the disk, with what its runs went through: there is no way
back. Runs of it that have not ended are named instead, and sessions that share its messages. It needs the home to itself.
The files of the workspace stay.
";

pub(crate) const INSTANCES: &str = "\
usage: oxydra instances [FILTERS] [--home DIR] [--json]
       oxydra instances show [ID]
       oxydra instances wait ID
       oxydra instances answer ID again|done|drop
       oxydra instances park ID [--why TEXT] · unpark ID · cancel ID
       oxydra instances fork ID --at N [--prompt TEXT [--attach FILE… | --no-attach] | --answer again|done|drop] [--model M]
       oxydra instances replay ID
       oxydra instances export ID FILE · import FILE

Lists the runs of graphs, those of all users, or shows one with its states, effects, calls, messages and how long each took.
The beginning of an id will do, none means the latest. Listing, showing, waiting and replaying work beside a running `oxydra run`;
whatever changes a run needs the home to itself, and says so.

  --graph G, --state S   runs of this graph, in this state
  --life L               running, waiting, stopping, in-doubt, parked or ended
  --user U, --session ID runs that speak in the sessions of this user, in this session
  --older T, --newer T   begun longer ago than T, or since: 90s, 10m, 12h, 7d

wait    until the run has ended or is parked. If nobody else runs in this home, it is seen through here, and no other run.
park    the run, and what it has asked for, does nothing until it is unparked, whatever is started or killed meanwhile.
        Time that it is parked does not count against its deadline. A run that a fault has parked is tried again.
cancel  leads the run to its end, parked or not.
fork    another run goes on from the state that this one was in after N moves, in a session of its own with what had been
        said by then. Nothing before that is done again; what follows is asked and done anew, on a budget of its own, and
        every call is judged again. The files of the workspace are not forked: it works on them as they are now.
        --prompt begins the turn again with another message (at 0 and 1): other words, and the files that went with its own
        unless --attach names others or --no-attach leaves them out. --answer settles the doubt that the turn stands in.
replay  runs the handlers of this build on what was recorded: nothing outside is reached, nothing is written. Says that all is
        the same, or shows the first thing that is not, and exits with 1.
export  puts a run into a file, with all that it asked for: its messages are in it, other turns of its session are not.
import  takes it from a file, as a past: it can be shown, replayed and forked, and never goes on by itself. A run that is here
        already is refused, and so is one that would add to a session that is here.

A call that is never repeated and was cut off by a crash may have happened or not. `answer` says what became of it after you
have looked, and sees the turn through: again (it has not happened: carry it out), done (it has), drop (leave it).
";

pub(crate) const GRAPH: &str = "\
usage: oxydra graph list [--json]
       oxydra graph draw [NAME] [--format mermaid|dot]

Lists the graphs of this build, or draws them.
";

const DOCTOR: &str = "\
usage: oxydra doctor [--home DIR] [--user U] [--json]

Says what is configured, what can be reached and what is missing: home, journal, configuration, trust, catalog, models. Each
finding names what mends it. It changes nothing and costs nothing. Exit code 0: nothing is broken; 1: something is.
";

const COST: &str = "\
usage: oxydra cost [--home DIR] [--user U] [--json]
       oxydra cost show ID [--home DIR] [--user U] [--json]

Says what the sessions of a user have used up: model calls, tokens, and what they cost where the catalog knows the price; then
the same by model. `show` says it of each call and each turn of one session. Both read beside a running `oxydra run`.
";

pub(crate) const CATALOG: &str = "\
usage: oxydra catalog [show] [PROVIDER|MODEL] [--home DIR] [--json]
       oxydra catalog fetch [--pinned] [URL|FILE] [--output FILE] [--home DIR]
       oxydra catalog verify [URL|FILE] [--home DIR] [--json]

show    what is known of models: what they can do, how much they take, what they cost for a million tokens.
fetch   makes a catalog from a source in the shape of models.dev: `catalog.pinned_url`, or https://models.dev/api.json.
        It goes to catalog.json in the home, and counts from then on in place of the one that came with the program.
        --pinned keeps only what a user would choose today, as the program's own does; --output FILE writes it there.
verify  checks that the catalog in use is whole; with a source, also whether that says anything else. Exit code 1: it does.

The same facts make the same bytes. Nothing is fetched by itself, and no agent can change a catalog.
";

pub(crate) const CONFIG: &str = "\
usage: oxydra config [check] [--home DIR] [--user U] [--json]
       oxydra config show [KEY…] [--origin] [--home DIR] [--user U] [--json]
       oxydra config keys [KEY…] [--json]
       oxydra config schema [agent|runner|user]
       oxydra config migrate [--dry-run] [--home DIR]
       oxydra config trust

check   reads every file, variable and user's file, and says everything that is wrong at once: key, file, line, and
        what would be right. Exit code 0: in order; 2: not.
show    prints the values that count, as TOML; with --origin behind each of them the layer that set it. Secrets are
        masked. KEY narrows it to keys that begin so.
keys    lists every key: what it holds, its default, and whether this version acts on it.
schema  prints a JSON schema, for editors that know TOML.
migrate rewrites files that are of an older version; comments stay, and the old file is kept beside the new one.
trust   says that the home in this directory may be trusted as it is. A `./.oxydra` that version control brought may
        narrow what an agent does; what it gives, runs that would go on, and links wait for this word, and wait again
        when something else comes.
";

/// The commands of guests as this program has them: in `guest/` of the home.
pub(crate) fn guests() -> machines::Program {
    machines::Program { name: "oxydra guest", home: HOME.into(), within: "guest", more: "" }
}

pub(crate) fn guest() -> String {
    machines::help("oxydra guest", "")
}

pub(crate) fn version() -> String {
    format!("oxydra {}\n", env!("CARGO_PKG_VERSION"))
}

pub(crate) fn run() -> String {
    format!(
        "\
usage: oxydra run [OPTIONS]

Talks to an agent. Without -p it reads one prompt per line from standard input; Ctrl-C cancels the turn, a second one
quits, Ctrl-D ends. A turn of the session that was interrupted by a crash is finished first, those of other
sessions before the process ends. The answer goes to standard output, everything about it to standard error.

  -p, --prompt TEXT    one prompt, then exit; `-p -` reads all of standard input as the prompt
      --attach FILE    an image (PNG, JPEG, GIF, WebP), a PDF or a text of 8 MiB at most that goes with the prompt
                       of -p; up to eight times, 16 MiB together
      --json           one frame per line on standard output instead of text; a failure is a frame too
      --session ID     talk in this session; it is opened if it is not there
      --new            open a new session; without either, the latest one goes on
      --user U         who talks (default: {USER}); the agent's files are in HOME/workspaces/U/shared
      --home DIR       where everything is kept (default: {HOME})
      --model M        which model answers, such as `rehearsal`
      --thinking T     how much it thinks before it answers: off, free, low, medium or high
      --json-schema F  answers are JSON that fits the schema in this file, or the turn fails
      --help-rehearsal what the built-in rehearsal model understands

exit codes: 0 answered · 1 failed · 2 usage or configuration · 3 a person has to answer and nobody is there
            4 budget spent · 130 cancelled
"
    )
}

pub(crate) fn rehearsal() -> String {
    providers::rehearsal::help()
}
