//! A request as the server has noted it, and what holds for each: a conversation that any server of this API accepts.
use crate::speaks::Speaks;
use serde_json::Value;
use std::collections::BTreeSet;

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The key of the question.
    pub(crate) key: String,
    /// Which attempt at it.
    pub(crate) attempt: String,
    /// What was sent.
    pub(crate) body: Value,
    /// What was answered.
    pub(crate) status: u64,
    /// When it came, in milliseconds.
    pub(crate) at_ms: u64,
    /// Whether the server broke its answer off.
    pub(crate) is_cut: bool,
    /// The server hides the key itself in its journal.
    has_credentials: bool,
    speaks: Speaks,
}

impl Asked {
    /// Reads an entry of the journal.
    pub(crate) fn read(entry: &Value, speaks: Speaks) -> Asked {
        let header = |name: &str| entry["headers"][name].as_str().unwrap_or_default().to_owned();
        assert_eq!((&entry["method"], &entry["path"]), (&"POST".into(), &speaks.path().into()));
        Asked {
            key: header("idempotency-key"),
            attempt: header("x-attempt"),
            body: entry["body"].clone(),
            status: entry["response"]["status"].as_u64().expect("it has a status"),
            at_ms: entry["timestamp"].as_u64().expect("it has a time"),
            is_cut: entry["response"]["interrupted"] == true,
            has_credentials: !header(speaks.key_header()).is_empty(),
            speaks,
        }
    }

    /// Asserts what holds for every request.
    pub(crate) fn in_order(&self) {
        assert!(!self.key.is_empty() && self.attempt != "0" && self.has_credentials, "{self:#?}");
        assert_eq!(self.body["stream"], true, "{self:#?}");
        // The server notes every question as one of chat completions, as far as it finds it there.
        match self.speaks {
            Speaks::Chat => {
                assert_eq!(self.body["stream_options"]["include_usage"], true);
                assert_eq!(self.body["max_tokens"], crate::peer::ANSWER_TOKENS_MAX);
            }
            Speaks::Responses | Speaks::Messages => {
                assert_eq!(self.body["max_tokens"], crate::peer::ANSWER_TOKENS_MAX);
            }
            Speaks::Gemini => {}
        }
        self.tools_are_described();
        if self.speaks.sends_all() {
            self.results_stand_behind_calls();
        }
    }

    fn tools_are_described(&self) {
        let tools = self.body["tools"].as_array().expect("tools are offered");
        for tool in tools {
            let function = &tool["function"];
            assert_eq!(
                (&tool["type"], &function["parameters"]["type"]),
                (&"function".into(), &"object".into()),
                "{tool}"
            );
            assert!(function["description"].as_str().is_some_and(|words| !words.is_empty()), "{tool}");
            let properties =
                function["parameters"]["properties"].as_object().expect("an object has properties");
            let required = function["parameters"]["required"].as_array().expect("some of them are required");
            let known = |name: &Value| name.as_str().is_some_and(|name| properties.contains_key(name));
            assert!(required.iter().all(known), "{tool}");
        }
        let named =
            |tool: &Value| tool["function"]["name"].as_str().map(str::to_owned).expect("a tool has a name");
        let names: BTreeSet<_> = tools.iter().map(named).collect();
        assert_eq!(names.len(), tools.len(), "no name twice");
        assert!(names.contains("file_read") && names.contains("file_write"), "{names:?}");
    }

    /// Behind each message with calls stand its results, one for each call and in their order, and no result elsewhere.
    fn results_stand_behind_calls(&self) {
        let mut open: Vec<&Value> = Vec::new();
        for message in self.messages() {
            if message["role"] == "tool" {
                assert!(!open.is_empty() && message["tool_call_id"] == *open.remove(0), "{self:#?}");
                assert!(message["content"].is_string(), "{message}");
                continue;
            }
            assert!(open.is_empty(), "a call without its result: {self:#?}");
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let arguments = call["function"]["arguments"].as_str().expect("arguments are text");
                let arguments: Value =
                    serde_json::from_str(arguments).expect("the text is JSON, whatever the model wrote");
                assert!(arguments.is_object() && call["type"] == "function", "{call}");
                open.push(&call["id"]);
            }
        }
        assert!(open.is_empty(), "a call without its result: {self:#?}");
    }

    /// Its messages.
    pub(crate) fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().expect("messages are a list")
    }

    /// Its messages in short: who speaks, and what a tool says to whom.
    pub(crate) fn roles(&self) -> Vec<String> {
        let role = |message: &Value| {
            let role = message["role"].as_str().expect("it has a role");
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let ids: Vec<_> = calls.map(|call| &call["id"]).chain(message.get("tool_call_id")).collect();
            let ids = ids.into_iter().map(|id| id.as_str().expect("an id is text"));
            [role].into_iter().chain(ids).collect::<Vec<_>>().join(" ")
        };
        self.messages().iter().map(role).collect()
    }

    /// What the results say, in order.
    pub(crate) fn results(&self) -> Vec<&str> {
        let results = self.messages().iter().filter(|message| message["role"] == "tool");
        results.map(|message| message["content"].as_str().expect("it is text")).collect()
    }
}

/// Asserts that the requests are attempts at one question: one key, one body, numbered from 1.
#[track_caller]
pub(crate) fn are_attempts(asked: &[Asked]) {
    for (n, attempt) in (1..).zip(asked) {
        assert_eq!((&attempt.key, &attempt.body), (&asked[0].key, &asked[0].body), "attempt {n}");
        assert_eq!(attempt.attempt, n.to_string());
    }
}
