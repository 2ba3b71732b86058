//! Sorts the parts of calls: which part belongs to which call. Servers differ in what they leave out (the index, the id)
//! and in what they repeat; nothing here looks into arguments.
use domain::Fragment;
use serde_json::Value;

/// The calls of one answer, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug, Default)]
struct Call {
    /// The server's index.
    index: Option<u64>,
    id: Option<String>,
    named: bool,
}

/// A part as a server sends it. What is blank counts as not there.
struct Part<'a> {
    index: Option<u64>,
    id: Option<&'a str>,
    tool: Option<&'a str>,
    arguments: String,
}

impl Calls {
    /// Says whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a part; `position` is its place in the list that it came in, if that list holds whole calls.
    pub(super) fn take(&mut self, part: &Value, position: Option<u64>) -> Fragment {
        let mut part = Part::read(part);
        part.index = part.index.or(position);
        let place = self.place(&part);
        if place == self.0.len() {
            self.0.push(Call { index: part.index, ..Call::default() });
        }
        let call = &mut self.0[place];
        let id = part.id.filter(|_| call.id.is_none()).map(str::to_owned);
        call.id = call.id.take().or_else(|| id.clone());
        let tool = part.tool.filter(|_| !call.named).map(str::to_owned);
        call.named |= tool.is_some();
        Fragment::Call {
            index: u32::try_from(place).unwrap_or(u32::MAX),
            id,
            tool,
            arguments: part.arguments,
        }
    }

    /// Where the part belongs: one past the end begins a call.
    fn place(&self, part: &Part<'_>) -> usize {
        let end = self.0.len();
        let latest = end.checked_sub(1);
        if part.index.is_some() {
            let Some(found) = self.0.iter().rposition(|call| call.index == part.index) else { return end };
            // Some servers give every call the index 0: another id with a name is another call.
            let other =
                part.id.is_some() && self.0[found].id.is_some() && self.0[found].id.as_deref() != part.id;
            return if other && part.tool.is_some() { end } else { found };
        }
        match (part.id, part.tool) {
            (Some(id), tool) => {
                let known = self.0.iter().rposition(|call| call.id.as_deref() == Some(id));
                let late = latest.filter(|&latest| self.0[latest].id.is_none() && tool.is_none());
                known.or(late).unwrap_or(end)
            }
            (None, Some(_)) => latest.filter(|&latest| !self.0[latest].named).unwrap_or(end),
            (None, None) => latest.unwrap_or(end),
        }
    }
}

impl Part<'_> {
    fn read(part: &Value) -> Part<'_> {
        let function = &part["function"];
        let text = |value: &'_ Value| value.as_str().is_some_and(|text| !text.is_empty());
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            // Some servers send the object instead of its text.
            whole => whole.to_string(),
        };
        Part {
            index: part["index"].as_u64(),
            id: Some(&part["id"]).filter(|id| text(id)).and_then(Value::as_str),
            tool: Some(&function["name"]).filter(|name| text(name)).and_then(Value::as_str),
            arguments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// Each part is written as `index id tool arguments`, with `-` for what is not there.
    fn check(parts: &[&str], expected: Expect) {
        let mut calls = Calls::default();
        let shown = parts.iter().map(|part| {
            let words: Vec<_> = part.split(' ').map(|word| Some(word).filter(|word| *word != "-")).collect();
            let index = words[0].map(|index| index.parse::<u64>().expect("an index is a number"));
            let function = serde_json::json!({ "name": words[2], "arguments": words[3] });
            let part = serde_json::json!({ "index": index, "id": words[1], "function": function });
            let Fragment::Call { index, id, tool, arguments } = calls.take(&part, None) else {
                unreachable!("parts become parts")
            };
            format!("{index} {} {} {arguments}", id.unwrap_or_default(), tool.unwrap_or_default())
        });
        expected.assert_eq(&shown.collect::<Vec<_>>().join(" · "));
    }

    #[test]
    fn every_part_finds_its_call() {
        // As it should be, interleaved.
        check(&["0 a x {", "1 b y {", "0 - - }", "1 - - }"], expect!["0 a x { · 1 b y { · 0   } · 1   }"]);
        // Ids and names repeated in every part.
        check(&["0 a x {", "0 a x }"], expect!["0 a x { · 0   }"]);
        // No index: a new id or a new name begins a call.
        check(&["- a x {", "- a - }", "- b y {}", "- - - ."], expect!["0 a x { · 0   } · 1 b y {} · 1   ."]);
        check(&["- - x {", "- - - }", "- - x {}"], expect!["0  x { · 0   } · 1  x {}"]);
        // The id comes late, or the name does.
        check(&["- - x {", "- a - }"], expect!["0  x { · 0 a  }"]);
        check(&["0 - x {", "0 a - }"], expect!["0  x { · 0 a  }"]);
        check(&["- a - {", "- - x }"], expect!["0 a  { · 0  x }"]);
        // One index for all.
        check(&["0 a x {}", "0 b y {", "0 - - }"], expect!["0 a x {} · 1 b y { · 1   }"]);
        // Indices with holes.
        check(&["7 a x {}", "3 b y {}"], expect!["0 a x {} · 1 b y {}"]);
        // Nothing to hold on to.
        check(&["- - - {}"], expect!["0   {}"]);
    }

    #[test]
    fn whole_calls_are_told_apart_by_their_place() {
        let mut calls = Calls::default();
        let part = serde_json::json!({ "id": "", "function": { "name": "x", "arguments": { "a": 1 } } });
        let first = calls.take(&part, Some(0));
        let second = calls.take(&part, Some(1));
        let call =
            |index| Fragment::Call { index, id: None, tool: Some("x".into()), arguments: "{\"a\":1}".into() };
        assert_eq!([first, second], [call(0), call(1)]);
    }
}
