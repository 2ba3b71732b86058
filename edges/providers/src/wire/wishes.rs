//! What is asked for besides words: how to think, and in which form to answer. A server that turns a question down for one of
//! them says so in words of its own; this finds the key that asked for it, and what to write instead.
use domain::{AnswerForm, Thinking};

/// What a question asks for besides words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes {
    thinking: Option<Thinking>,
    has_form: bool,
}

/// What servers call the fields that say how to think.
const THINKING: &[&str] = &["thinking", "reasoning_effort", "reasoning.effort", "reasoning effort"];

/// What they say of thoughts in the conversation, which no key asks for.
const THOUGHTS: &[&str] = &["thinking block", "`thinking`", "redacted_thinking", "signature"];

/// What servers call the fields that say in which form to answer.
const FORM: &[&str] = &[
    "response_format",
    "json_schema",
    "json schema",
    "text.format",
    "output_config",
    "output_format",
    "structured output",
    "response_schema",
    "responseschema",
    "responsejsonschema",
    "response mime type",
    "responsemimetype",
    "response_mime_type",
];

impl Wishes {
    pub(super) fn new(thinking: Option<Thinking>, form: &AnswerForm) -> Wishes {
        Wishes { thinking, has_form: *form != AnswerForm::Free }
    }

    /// The key that what a server says is about, and what to do; `None` if it is about something else.
    pub(super) fn way_out(self, status: u16, words: &str) -> Option<String> {
        if !matches!(status, 400 | 422) {
            return None;
        }
        let words = words.to_lowercase();
        let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
        match self.thinking {
            Some(thinking) if says(THINKING) && !says(THOUGHTS) => Some(think(thinking)),
            Some(_) | None if self.has_form && says(FORM) => Some(
                "it does not take the schema of `runtime.answer_schema` (`--json-schema`): choose another model, or write a schema that says less"
                    .to_owned(),
            ),
            Some(_) | None => None,
        }
    }
}

fn think(thinking: Thinking) -> String {
    let (wanted, instead) = match thinking {
        Thinking::Off => (
            "selection.thinking = off".to_owned(),
            "write low, since some models always think, or leave the key (`--thinking`) out",
        ),
        Thinking::Free => ("selection.thinking = free".to_owned(), "leave the key (`--thinking`) out"),
        Thinking::Effort(effort) => (
            format!("selection.thinking = {}", effort.word()),
            "write another word, or leave the key (`--thinking`) out",
        ),
        Thinking::UpTo(tokens) => (
            format!("selection.thinking_tokens = {}", tokens.0),
            "write another number, or leave the key out",
        ),
    };
    format!("it does not take `{wanted}`: {instead}, or choose another model")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Effort, Json, Tokens};
    use expect_test::expect;

    #[test]
    fn what_a_server_says_leads_to_the_key_that_asked_for_it() {
        let off = Some(Thinking::Off);
        let form = AnswerForm::JsonSchema(Json::printed("{}".to_owned()));
        let free = AnswerForm::Free;
        let rows = [
            // As OpenAI, Google and Anthropic word it.
            (
                off,
                &free,
                400,
                "unsupported_value reasoning_effort Unsupported value: 'none' is not supported with this model.",
            ),
            (off, &free, 400, "Budget 0 is invalid. This model only works in thinking mode."),
            (off, &free, 400, "\"thinking.type.disabled\" is not supported for this model."),
            (Some(Thinking::Effort(Effort::High)), &free, 400, "reasoning.effort Unsupported parameter"),
            (
                Some(Thinking::UpTo(Tokens(7))),
                &free,
                400,
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            ),
            (
                Some(Thinking::Free),
                &form,
                400,
                "Invalid schema for response_format 'answer': 'required' is missing",
            ),
            (None, &form, 422, "text.format is not supported with this model"),
            (
                None,
                &form,
                400,
                "Function calling with a response mime type: 'application/json' is unsupported",
            ),
            // About something else.
            (None, &free, 400, "This model only works in thinking mode."),
            (off, &free, 400, "messages.1: Expected `thinking` or `redacted_thinking`, but found `text`"),
            (off, &free, 400, "the prompt is too long"),
            (off, &form, 500, "thinking and response_format are broken"),
        ];
        let said: String = rows
            .into_iter()
            .map(|(thinking, form, status, words)| {
                let way = Wishes::new(thinking, form).way_out(status, words);
                format!("{}\n", way.as_deref().unwrap_or("-"))
            })
            .collect();
        expect![[r#"
            it does not take `selection.thinking = off`: write low, since some models always think, or leave the key (`--thinking`) out, or choose another model
            it does not take `selection.thinking = off`: write low, since some models always think, or leave the key (`--thinking`) out, or choose another model
            it does not take `selection.thinking = off`: write low, since some models always think, or leave the key (`--thinking`) out, or choose another model
            it does not take `selection.thinking = high`: write another word, or leave the key (`--thinking`) out, or choose another model
            it does not take `selection.thinking_tokens = 7`: write another number, or leave the key out, or choose another model
            it does not take the schema of `runtime.answer_schema` (`--json-schema`): choose another model, or write a schema that says less
            it does not take the schema of `runtime.answer_schema` (`--json-schema`): choose another model, or write a schema that says less
            it does not take the schema of `runtime.answer_schema` (`--json-schema`): choose another model, or write a schema that says less
            -
            -
            -
            -
        "#]].assert_eq(&said);
    }
}
