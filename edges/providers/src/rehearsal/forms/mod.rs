//! The forms of the grammar: one table from which the parser parses and the help prints, so that the two cannot part.
//! A form is a pattern, what it means as steps, and examples with the plan they must come to.
mod change;
mod look;
mod talk;

use super::matcher::{Caught, Target};
use super::pattern::{Node, pattern};
use super::plan::Step;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One way to say something.
pub(super) struct Form {
    /// What it is about, as a heading of the help.
    pub(super) topic: &'static str,
    /// How it is said.
    pub(super) pattern: &'static str,
    /// Sentences, each with its plan.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// What it comes to.
    pub(super) build: fn(&Caught<'_>) -> Vec<Step>,
}

/// A form with its pattern read.
pub(super) struct Read {
    pub(super) form: &'static Form,
    pub(super) nodes: Vec<Node>,
}

/// Parts of patterns that several forms share.
pub(super) const RULES: [(&str, &str); 11] = [
    ("SHOW", "(read|show|open|print|cat|display|view|get|give|see)"),
    ("MAKE", "(write|create|make|save|generate|produce)"),
    ("PUT", "(write down|write|save|put|store|print)"),
    (
        "FILES",
        "([all|all of] [the|my|our|your|these|those|their] (files|file names|filenames|names|entries|names of [all] [the|my] files) [there are|you see])",
    ),
    (
        "HERE",
        "(here|there|everywhere|anywhere|[in|of|from] [the|my|our|this|your] (workspace|folder|directory|current folder|current directory)|in (all|all the|all my|any of the|my|the) files)",
    ),
    ("PLACE", "(HERE|(in|inside|under|within|from|of) DIR)"),
    ("NAMING", "((that|which) (names|lists|enumerates)|naming|listing|with (a list of|the names of))"),
    (
        "CONTAINING",
        "((that|which) (contains|has|holds|shows|lists|says)|containing|holding|listing|with|from|saying)",
    ),
    (
        "SAYING",
        "((that|which) (says|reads|contains|has|holds)|saying|containing|reading|holding|with content|with text|with) [the (text|content|contents|words|word|line|sentence)]",
    ),
    (
        "FINDINGS",
        "((the|its|their|this|that|these|those) (result|results|list|listing|output|answer|count|number|total|content|contents|text|names|matches|hits|lines) [of that|of it|of them]|what (you|it|they|was) (found|find|read|counted|listed|says|say|contains|contain))",
    ),
    ("UNIT", "(lines|words|characters|letters)"),
];

/// What earlier steps are called by; printed beside the rules.
pub(super) const EARLIER: (&str, &str) =
    ("EARLIER", "(it|them all|them|this|that|these|those|all of (it|them)|each of them|[all] FINDINGS)");

/// What is to be known of a topic besides its forms, printed at its end.
pub(super) const REMARKS: [(&str, &str); 1] = [(
    talk::TRY,
    "The bell is a tool that is there only when Oxydra is started with OXYDRA_TEST_TOOLS=1. Stop the process while it is \
     about to ring, and you are asked what became of it.",
)];

static READ: LazyLock<Vec<Read>> = LazyLock::new(|| {
    let tables = [look::FORMS, change::FORMS, talk::FORMS];
    tables.into_iter().flatten().map(|form| Read { form, nodes: pattern(form.pattern) }).collect()
});

static RULE_NODES: LazyLock<BTreeMap<&str, Vec<Node>>> =
    LazyLock::new(|| RULES.iter().chain([&EARLIER]).map(|(name, text)| (*name, pattern(text))).collect());

/// Returns every form, in the order they are tried.
pub(super) fn forms() -> &'static [Read] {
    &READ
}

/// Returns what a rule stands for.
///
/// # Panics
/// When there is no such rule: patterns are constants, and a test looks every name up.
pub(super) fn rule(name: &str) -> &'static [Node] {
    RULE_NODES.get(name).expect("a test looks up every rule that a pattern names")
}

/// Whether a word in capitals is a rule rather than a slot.
pub(super) fn is_rule(name: &str) -> bool {
    RULE_NODES.contains_key(name)
}

fn the(caught: &Caught<'_>, slot: &str) -> Target {
    caught.name(slot).expect("the pattern has this slot where it cannot be left out; the examples show it")
}
