//! What must hold after every kill and restart, claimed from outside: from the provider's log, the frames, the journal
//! as the program shows it, and the files.
use crate::{
    home::{Home, Tally, Turn},
    model::{Reply, Scene},
    past::Past,
    provider::{Asked, Provider, Said},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
};

/// How the program says that it does not know whether a call happened.
const DOUBTS: [&str; 3] = ["cannot be told", "may have happened", "in doubt"];

/// What was true once and must stay so.
#[derive(Default)]
pub(crate) struct Kept {
    /// Rounds of prompts whose result is in the journal.
    done: BTreeSet<(String, usize)>,
    /// The key of each round of each prompt, with what was asked under it.
    keys: HashMap<String, (String, usize, String)>,
    /// The same, by round.
    rounds: HashMap<(String, usize), String>,
}

impl Kept {
    /// Claims what one life may have broken. `before` is where its requests begin.
    pub(crate) fn after_life(
        &mut self,
        turns: &[Turn],
        last: Option<&Past>,
        provider: &Provider,
        before: usize,
    ) {
        assert_eq!(provider.complaints(), Vec::<String>::new(), "conversations are what was said");
        let log = provider.log();
        let in_order = log.is_sorted_by_key(|asked| asked.prompts.len());
        assert!(
            in_order,
            "a turn is finished before the next one asks: {:#?}",
            log.iter().map(Asked::prompt).collect::<Vec<_>>()
        );
        for asked in &log[before..] {
            self.asked(asked);
            let typed: Vec<_> = turns.iter().map(|turn| turn.prompt.as_str()).collect();
            let n = asked.prompts.len();
            assert!(n <= typed.len() && asked.prompts == typed[..n], "{:?} of {typed:?}", asked.prompts);
        }
        let Some(past) = last else { return };
        let prompt = &turns.last().expect("it has a past").prompt;
        for (n, round) in past.rounds().into_iter().enumerate() {
            let is_it = |asked: &&Asked| asked.prompt() == prompt && asked.round == n;
            let attempts: Vec<_> = log.iter().filter(is_it).map(|asked| asked.attempt).collect();
            let most = attempts.iter().copied().max().unwrap_or_default();
            assert!(most <= round.attempts, "attempt {most} at {prompt}, round {n}, is not in the journal");
            if round.done {
                self.done.insert((prompt.clone(), n));
            }
        }
        // What came before it is over, since it comes after it.
        for turn in &turns[..turns.len() - 1] {
            let rounds = Scene::of(&turn.prompt).expect("it is one").0.rounds(0).len();
            self.done.extend((0..=rounds).map(|round| (turn.prompt.clone(), round)));
        }
    }

    /// Claims that a request may be made at all, and that it is what it was before.
    fn asked(&mut self, asked: &Asked) {
        let round = (asked.prompt().to_owned(), asked.round);
        assert!(!self.done.contains(&round), "{round:?} has its result, and is asked for again");
        let key = self.rounds.entry(round.clone()).or_insert_with(|| asked.key.clone());
        assert_eq!(*key, asked.key, "the key of {round:?}");
        let what = (round.0, round.1, asked.body.clone());
        let before = self.keys.entry(asked.key.clone()).or_insert_with(|| what.clone());
        assert_eq!(*before, what, "what is asked under {}", asked.key);
    }
}

/// Claims that a home in which nothing is left to do is as if nobody had been killed.
pub(crate) fn whole(home: &Home, pasts: &[Past]) -> Tally {
    let log = home.provider.log();
    let attempts: BTreeSet<_> = log.iter().map(|asked| (&asked.key, asked.attempt)).collect();
    assert_eq!(attempts.len(), log.len(), "each attempt is made once");
    assert_eq!(pasts.len(), home.turns.len(), "each turn is one run");
    let mut tally = Tally { turns: pasts.len(), requests: log.len(), ..Tally::default() };
    let mut doubted = BTreeSet::new();
    for (turn, past) in home.turns.iter().zip(pasts) {
        assert_eq!((past.state.as_str(), past.life.as_str()), ("Answered", "ended"), "{turn:?}");
        let said = replies(turn, past, &log);
        claim_said(turn, past, &said);
        tally.repeats += repeats(turn, past);
        let doubts =
            past.said().iter().filter(|said| DOUBTS.iter().any(|doubt| said.contains(doubt))).count();
        tally.doubts += doubts;
        if doubts > 0 {
            doubted.insert(turn.prompt.clone());
        }
    }
    claim_files(home, &doubted);
    tally
}

/// What the model said in each round, at the attempt that counts.
fn replies(turn: &Turn, past: &Past, log: &[Asked]) -> Vec<Reply> {
    let rounds = past.rounds().into_iter().enumerate();
    let reply = |(n, round): (usize, crate::past::Round)| {
        let is_it = |asked: &&Asked| asked.prompt() == turn.prompt && asked.round == n;
        let last = log.iter().filter(is_it).max_by_key(|asked| asked.attempt);
        let last = last.unwrap_or_else(|| panic!("round {n} of {turn:?} was never asked for"));
        assert_eq!((last.attempt, last.said), (round.attempts, Said::All), "round {n} of {turn:?}");
        assert!(round.done, "round {n} of {turn:?} has no result");
        last.reply.clone()
    };
    rounds.map(reply).collect()
}

/// The prompt once, each answer once and byte for byte, one result for each call, in order.
fn claim_said(turn: &Turn, past: &Past, replies: &[Reply]) {
    let mut said = past.said().into_iter();
    assert_eq!(said.next(), Some(format!("user says {}", turn.prompt).as_str()));
    for reply in replies {
        let calls: String =
            reply.calls.iter().map(|call| format!(" [calls {} {}]", call.tool, call.arguments)).collect();
        assert_eq!(said.next(), Some(format!("model says {}{calls}", reply.text).as_str()), "{turn:?}");
        let mut results: Vec<_> = said.by_ref().take(reply.calls.len()).collect();
        // Results of calls that ran side by side are recorded as they come.
        results.sort_unstable();
        let mut calls: Vec<_> =
            reply.calls.iter().map(|call| format!("{} {}", call.tool, call.arguments)).collect();
        calls.sort_unstable();
        for (result, call) in results.iter().zip(&calls) {
            assert!(result.starts_with(call.as_str()), "{result} is no result of {call}");
        }
        assert_eq!(results.len(), calls.len(), "{turn:?}");
    }
    assert_eq!(said.next(), None, "{turn:?}");
    let answer = replies.last().map(|reply| reply.text.as_str());
    assert!(turn.answer.is_none() || turn.answer.as_deref() == answer, "{turn:?} is not {answer:?}");
}

/// Counts the model calls that were repeated: the usage of each says which attempt it is of.
fn repeats(turn: &Turn, past: &Past) -> usize {
    let rounds = past.rounds();
    let usage = past.facts("usage");
    assert_eq!(usage.len(), rounds.len(), "{turn:?}: {usage:?}");
    for (round, usage) in rounds.iter().zip(usage) {
        let attempt = format!("attempt {}:", round.attempts);
        assert!(usage.contains(&attempt), "{usage} does not say {attempt}");
    }
    rounds.iter().filter(|round| round.attempts > 1).count()
}

/// The files are what a life without kills leaves, but for calls that are said to be in doubt; those are done once or
/// not at all.
fn claim_files(home: &Home, doubted: &BTreeSet<String>) {
    let mut wanted = BTreeMap::from([("a.txt".to_owned(), "alpha\n".to_owned())]);
    wanted.insert("b.txt".to_owned(), "beta\n".to_owned());
    let mut certain = wanted.clone();
    for turn in &home.turns {
        let (scene, n) = Scene::of(&turn.prompt).expect("it is one");
        scene.leaves(n, &mut wanted);
        if !doubted.contains(&turn.prompt) {
            scene.leaves(n, &mut certain);
        }
    }
    let entries = fs::read_dir(home.place.shared()).expect("there is a workspace");
    let names = entries.map(|entry| entry.expect("it can be listed").file_name().into_string());
    let names: Vec<_> = names.map(|name| name.expect("it is text")).collect();
    let files: BTreeMap<_, _> =
        names.into_iter().map(|name| (name.clone(), home.place.read(&name).unwrap_or_default())).collect();
    if doubted.is_empty() {
        assert_eq!(files, wanted, "the files");
        return;
    }
    for (name, content) in &certain {
        let there = files.get(name).unwrap_or_else(|| panic!("{name} is not there"));
        let missing = content.lines().find(|line| !there.lines().any(|there| there == *line));
        assert_eq!(missing, None, "{name}: {there}");
    }
    for (name, content) in &files {
        let doubt =
            || doubted.iter().any(|prompt| name.contains(&prompt[prompt.find(' ').unwrap_or(0) + 1..]));
        let wanted = wanted.get(name).unwrap_or_else(|| panic!("{name} should not be there: {content}"));
        let subset = content.lines().all(|line| wanted.lines().filter(|it| *it == line).count() == 1);
        let doubled = content.lines().count() > wanted.lines().count();
        assert!((subset || doubt()) && !doubled, "{name} is {content}, not {wanted}");
    }
}
