//! Sentences made from the printed patterns themselves: each must come to the plan of the form it was made from. And
//! sentences made from anything: none may panic or take long.
use crate::rehearsal::forms::{Read, forms, is_rule, rule};
use crate::rehearsal::matcher::{Fuel, Matcher, Quoting};
use crate::rehearsal::parse::{OPENINGS, parse};
use crate::rehearsal::pattern::Node;
use crate::rehearsal::token::tokens;
use proptest::prelude::*;

/// Picks its way through a pattern by a list of numbers.
struct Writer<'a> {
    picks: &'a [u8],
    at: usize,
}

impl Writer<'_> {
    fn pick(&mut self, of: usize) -> usize {
        self.at += 1;
        usize::from(self.picks[self.at % self.picks.len()]) % of
    }

    fn write(&mut self, nodes: &[Node], said: &mut Vec<String>) {
        for node in nodes {
            match node {
                Node::Word(word) if self.pick(4) == 0 => said.push(word.to_uppercase()),
                Node::Word(word) => said.push(word.clone()),
                Node::Any(all) => {
                    let one = self.pick(all.len());
                    self.write(&all[one], said);
                }
                Node::Maybe(all) => {
                    let one = self.pick(all.len() + 1);
                    all.get(one).into_iter().for_each(|nodes| self.write(nodes, said));
                }
                Node::Slot(slot) if is_rule(slot) => self.write(rule(slot), said),
                Node::Slot(slot) => said.push(self.slot(slot)),
            }
        }
    }

    /// Quoted, so that what is inside cannot be taken for grammar; the tables hold the bare ones.
    fn slot(&mut self, slot: &str) -> String {
        const FILLS: [&str; 6] = ["a.txt", "my plan.md", "ä/ö-1.tar.gz", "then; and", "it", "the file."];
        let fill = FILLS[self.pick(FILLS.len())];
        match slot {
            "N" | "A" | "B" => (self.pick(9) + 1).to_string(),
            _ if self.pick(2) == 0 => format!("\"{fill}\""),
            _ => format!("“{fill}”"),
        }
    }
}

fn written(form: &Read, picks: &[u8]) -> String {
    let mut said = Vec::new();
    Writer { picks, at: 0 }.write(&form.nodes, &mut said);
    // A colon stands behind a word, not between two.
    said.join(" ").replace(" : ", ": ")
}

/// The plan of the form that was written, or of an earlier form that says the same sentence.
fn planned(form: &Read, sentence: &str) -> Option<Vec<String>> {
    let tokens = tokens(sentence);
    let fuel = Fuel::default();
    let matcher =
        Matcher { request: sentence, tokens: &tokens, quoting: Quoting::Whole, asked: false, fuel: &fuel };
    let steps = (form.form.build)(&matcher.fits(&form.nodes)?);
    Some(steps.iter().map(ToString::to_string).collect())
}

fn plan(sentence: &str) -> Result<Vec<String>, String> {
    let plan = parse(sentence).map_err(|not| format!("{sentence}: {not:?}"))?;
    Ok(plan.iter().map(ToString::to_string).collect())
}

/// A listing that a sentence brings along is left out behind a step that looked already.
fn joined(sentences: Vec<Vec<String>>) -> Vec<String> {
    let mut plan: Vec<String> = Vec::new();
    for sentence in sentences {
        let looked = plan.iter().any(|step| step.starts_with("list") || step.ends_with(" for Files"));
        let is_brought = sentence.len() == 2 && sentence[0] == "list" && sentence[1].ends_with("← <names>");
        plan.extend(sentence.into_iter().skip(usize::from(looked && is_brought)));
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_grammar_says_is_understood(
        chosen in prop::collection::vec((0..forms().len(), prop::collection::vec(any::<u8>(), 1..40)), 1..=5),
        connectors in prop::collection::vec(prop::sample::select(vec![" then ", ", then ", " and then ", "; ", ". Then "]), 5),
        opening in prop::sample::select(OPENINGS.to_vec()),
        closing in prop::sample::select(vec!["", ".", "!", " "]),
    ) {
        let sentences: Vec<_> = chosen.iter().map(|(form, picks)| written(&forms()[*form], picks)).collect();
        let mut expected = Vec::new();
        for ((form, _), sentence) in chosen.iter().zip(&sentences) {
            let form = &forms()[*form];
            prop_assert!(planned(form, sentence).is_some(), "{sentence} is not {}", form.form.pattern);
            let first = forms().iter().find_map(|form| planned(form, sentence)).expect("at least the form itself");
            expected.push(first);
        }
        let mut request = format!("{opening} ");
        for (sentence, connector) in sentences.iter().zip(&connectors) {
            request.push_str(sentence);
            request.push_str(connector);
        }
        let request = format!("{}{closing}", request.strip_suffix(connectors[sentences.len() - 1]).expect("just added"));
        let came_to = plan(&request).map_err(TestCaseError::fail)?;
        prop_assert_eq!(came_to, joined(expected), "{}", request);
    }

    #[test]
    fn anything_can_be_said(request in "\\PC*") {
        let _ = parse(&request);
    }

    #[test]
    fn words_of_the_grammar_in_any_order_can_be_said(
        words in prop::collection::vec(prop::sample::select(vec![
            "list", "the", "files", "then", "and", ",", ";", ".", "write", "read", "a.txt", "\"", "“x y”", "'", "to", "that",
            "says", "names", "them", "it", "in", "for", "search", "replace", "with", "count", "lines", "of", ":", "5", "\n",
        ]), 0..40)
    ) {
        let _ = parse(&words.join(" "));
    }
}

#[test]
fn long_and_tangled_requests_end_soon() {
    for part in [
        "and ",
        "to ",
        "write a to b and ",
        "replace a with b in ",
        "please ",
        ", ",
        "\"a ",
        "find x in y ",
        "a, ",
    ] {
        let tangled = part.repeat(200_000 / part.len());
        let _ = parse(&tangled);
        let _ = parse(&format!("say {tangled}"));
        let _ = parse(&format!("write {tangled} to {tangled}"));
    }
}
