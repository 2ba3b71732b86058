//! Which kills: those that chance chooses from a seed, and those that are aimed at a state or a window.
use crate::{
    aim::{
        Aim,
        What::{Answered, Delta, Draft, Files, Frame, Journal, Over, Part, Ran, Received, Round, Running},
    },
    chance::Chance,
    model::{SCENES, Scene},
};

/// What a kill hits when the prompt was typed and nothing of it is on disk.
pub(crate) const UNKNOWN: &str = "the prompt is not in the journal";

/// What has to be hit, by its name in the histogram: every state that is ever the last thing on disk, and every window
/// of every kind of effect.
pub(crate) const TARGETS: [&str; 19] = [
    UNKNOWN,
    "Gathering",
    "Asking",
    "Acting",
    "Answered",
    "answer: not asked yet",
    "answer: asked",
    "answer: half said",
    "answer: all said",
    "answer: failed, to be repeated",
    "call: read",
    "call: write, not done yet",
    "call: write, done already",
    "call: append, not done yet",
    "call: append, done already",
    "call: edit, not done yet",
    "call: edit, done already",
    "call: delete, not done yet",
    "call: delete, done already",
];

/// What is aimed at as well. The journal writes nothing before somebody waits for it, so these lie in one group with
/// what follows: a machine that is busy may cut between them, and most do not. The graph's own tests cut there.
pub(crate) const CHANCES: [&str; 4] =
    ["Judging", "Correcting", "Asking, nothing open", "Acting, nothing open"];

const LONG_PROMPT_BYTES: usize = 192 << 10;

/// A life to live.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) scene: Scene,
    /// What stands behind the prompt: what goes wrong, or nothing that means anything.
    pub(crate) fault: Option<String>,
    pub(crate) aim: Aim,
    /// Whether the aim counts writes from the start of the process: then nothing may be left over.
    pub(crate) is_for_typed: bool,
}

impl Plan {
    fn of(scene: Scene, aim: Aim) -> Plan {
        Plan { scene, fault: None, aim, is_for_typed: false }
    }

    fn with_long_prompt(self) -> Plan {
        Plan { fault: Some("so ".repeat(LONG_PROMPT_BYTES / 3)), ..self }
    }

    /// A life that ends by itself.
    pub(crate) fn unhurt() -> Plan {
        Plan::of(Scene::Look, Aim::at([(Over, u32::MAX)]))
    }
}

/// A life that ends wherever it happens to.
pub(crate) fn anywhere(chance: &mut Chance) -> Plan {
    let scene = chance.pick(&SCENES);
    let aim = match chance.below(8) {
        0 => Aim::at([(Received, chance.from(1, 3))]),
        1 => Aim::at([(Part, chance.from(1, 40))]),
        2 => Aim::at([(Answered, chance.from(1, 3))]).later(chance.from(0, 20_000)),
        3 => Aim::at([(Frame, chance.from(1, 20))]),
        4 => Aim::at([(chance.pick(&[Running, Ran, Delta, Over]), 1)]),
        5 => Aim::at([(Journal, chance.from(1, 20))]),
        6 => Aim::at([(Files, chance.from(1, 4))]),
        _ => Aim::at([]).later(chance.from(1_000, 300_000)),
    };
    let rounds = u32::try_from(scene.rounds(0).len()).expect("there are few");
    let fault = (chance.below(4) == 0).then(|| fault(chance.pick(&FAULTS), chance.from(0, rounds)));
    Plan { fault, ..Plan::of(scene, aim) }
}

/// A life that ends while it finishes what an earlier one left.
pub(crate) fn again(chance: &mut Chance) -> Plan {
    let what = chance.pick(&[Running, Ran, Draft, Files, Received, Answered, Journal, Journal, Journal]);
    let times = if what == Journal { chance.from(1, 5) } else { 1 };
    Plan::of(chance.pick(&SCENES), Aim::at([(what, times)]))
}

const FAULTS: [&str; 3] = ["429", "500", "cut"];

fn fault(what: &str, round: u32) -> String {
    format!("{what} in {round}")
}

/// The ways to hit a target. Which of them does depends on how fast this machine writes, thinks and kills.
pub(crate) fn towards(target: &str) -> Vec<Plan> {
    let first_writes = |scene| (1..=4).map(|n| typed(scene, Aim::at([(Journal, n)]))).collect::<Vec<_>>();
    match target {
        UNKNOWN => [2, 5, 10, 20, 40].map(|ms| Plan::of(Scene::Long, Aim::at([]).later(ms * 1_000))).into(),
        // A prompt that is long takes its time to become a message.
        "Gathering" => first_writes(Scene::Long).into_iter().take(2).map(Plan::with_long_prompt).collect(),
        "answer: not asked yet" => first_writes(Scene::Long),
        "Asking" | "Asking, nothing open" => writes(Scene::Append, 0, 5),
        "Judging" | "Correcting" => writes(Scene::Fat, 0, 4),
        "Acting" | "Acting, nothing open" | "call: read" => writes(Scene::Look, 0, 5),
        "Answered" => writes(Scene::Long, 0, 3),
        "answer: asked" => (0..=2).map(|round| within(Scene::Append, round, &[])).collect(),
        "answer: half said" => [1, 9, 30, 70].map(|n| within(Scene::Long, 0, &[(Part, n)])).into(),
        "answer: all said" => (0..=2).map(|round| within(Scene::Append, round, &[(Answered, 1)])).collect(),
        "answer: failed, to be repeated" => FAULTS.map(failed).into(),
        "call: write, not done yet" => starts(Scene::Write, 0),
        "call: write, done already" => changes(Scene::Write, 0),
        "call: append, not done yet" => starts(Scene::Append, 0),
        "call: append, done already" => changes(Scene::Append, 0),
        "call: edit, not done yet" => starts(Scene::Edit, 1),
        "call: edit, done already" => changes(Scene::Edit, 1),
        "call: delete, not done yet" => starts(Scene::Delete, 1),
        "call: delete, done already" => changes(Scene::Delete, 1),
        other => unreachable!("{other} is no target"),
    }
}

fn typed(scene: Scene, aim: Aim) -> Plan {
    Plan { is_for_typed: true, ..Plan::of(scene, aim) }
}

/// Somewhere in a round.
fn within(scene: Scene, round: usize, steps: &[(crate::aim::What, u32)]) -> Plan {
    Plan::of(scene, Aim::at([&[(Round(round), 1)], steps].concat()))
}

/// At each write of the journal behind an answer.
fn writes(scene: Scene, round: usize, upto: u32) -> Vec<Plan> {
    (1..=upto).map(|n| within(scene, round, &[(Answered, 1), (Journal, n)])).collect()
}

/// When a call has begun: it says so, it makes its draft.
fn starts(scene: Scene, round: usize) -> Vec<Plan> {
    let said = within(scene, round, &[(Running, 1)]);
    let draft = within(scene, round, &[(Draft, 1)]);
    [vec![said, draft], writes(scene, round, 4)].concat()
}

/// When a file has changed.
fn changes(scene: Scene, round: usize) -> Vec<Plan> {
    vec![within(scene, round, &[(Files, 1)])]
}

/// While it waits to ask once more.
fn failed(what: &str) -> Plan {
    let aim = Aim::at([(Round(0), 1)]).later(60_000);
    Plan { fault: Some(fault(what, 0)), ..Plan::of(Scene::Look, aim) }
}
