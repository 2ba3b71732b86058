//! Forms that call no tool: answers, the conversation itself, and what goes wrong on purpose.
use super::Form;
use crate::rehearsal::plan::{Content, Recall, Rehearsed, Step, Talk};

const ANSWER: &str = "to get an answer";
const MEMORY: &str = "to ask about this conversation";
pub(super) const TRY: &str = "to try the machine";

pub(super) const FORMS: &[Form] = &[
    Form {
        topic: ANSWER,
        pattern: "(hello|hi|hey|good morning|good evening|good day) [there|oxydra|you|all|again]",
        examples: &[("hello", "talk Hello"), ("Hi there!", "talk Hello")],
        build: |_| vec![Step::Talk(Talk::Hello)],
    },
    Form {
        topic: ANSWER,
        pattern: "(thanks|thank you|many thanks|thank you very much|thanks a lot)",
        examples: &[("Thank you!", "talk Welcome")],
        build: |_| vec![Step::Talk(Talk::Welcome)],
    },
    Form {
        topic: ANSWER,
        pattern: "(bye|goodbye|good night|see you)",
        examples: &[("bye", "talk Bye")],
        build: |_| vec![Step::Talk(Talk::Bye)],
    },
    Form {
        topic: ANSWER,
        pattern: "(who are you|what are you|which model are you|what can you do|what can i do|what can i say|what do you understand|how do you work|help|introduce yourself)",
        examples: &[("Who are you?", "talk WhoAmI"), ("help", "talk WhoAmI")],
        build: |_| vec![Step::Talk(Talk::WhoAmI)],
    },
    Form {
        topic: MEMORY,
        pattern: "(what did i [just] (say|ask|tell you|write)|what was my|repeat my|what did i ask you|what was the) first [thing|message|question|request]",
        examples: &[
            ("What did I say first?", "recall First"),
            ("what was my first message?", "recall First"),
        ],
        build: |_| vec![Step::Recall(Recall::First)],
    },
    Form {
        topic: MEMORY,
        pattern: "((what did i|repeat what i|say what i|tell me what i) [just] (say|said|ask|asked|tell you|told you|write|wrote) [last|before|just now|before that|earlier]|(what was my|repeat my) (last|previous) (message|question|request))",
        examples: &[
            ("what did I just say?", "recall Last"),
            ("What did I ask before?", "recall Last"),
            ("repeat what I said", "recall Last"),
        ],
        build: |_| vec![Step::Recall(Recall::Last)],
    },
    Form {
        topic: MEMORY,
        pattern: "(what did you [just] (say|answer|tell me|do) [last|before|just now|earlier]|(what was|repeat) your last (answer|message|reply)|repeat what you said)",
        examples: &[("What did you answer last?", "recall Answer")],
        build: |_| vec![Step::Recall(Recall::Answer)],
    },
    Form {
        topic: MEMORY,
        pattern: "(how many|count the|count all|count) messages [are there|there are|did i send|have i sent|did we exchange|so far|are in this (conversation|session)|in this (conversation|session)]",
        examples: &[
            ("How many messages are there?", "recall Number"),
            ("count the messages", "recall Number"),
        ],
        build: |_| vec![Step::Recall(Recall::Number)],
    },
    Form {
        topic: MEMORY,
        pattern: "((summarise|summarize|sum up|recap) [the|our|this] [conversation|session|talk|what we did|what happened|what was said]|what did we (talk about|do)|what have (i|we) (said|done|asked|talked about)) [so far]",
        examples: &[
            ("summarise our conversation", "recall Summary"),
            ("recap what we did so far", "recall Summary"),
        ],
        build: |_| vec![Step::Recall(Recall::Summary)],
    },
    Form {
        topic: MEMORY,
        pattern: "(what do you (remember|know|know about me)|what did i (tell|ask) you to remember|what should you remember)",
        examples: &[("What do you remember?", "recall Kept")],
        build: |_| vec![Step::Recall(Recall::Kept)],
    },
    Form {
        topic: MEMORY,
        pattern: "(remember|keep in mind|note) [that|:] TEXT",
        examples: &[("remember that the key is under the mat", "recall Keep(\"the key is under the mat\")")],
        build: |caught| vec![Step::Recall(Recall::Keep(caught.text("TEXT")))],
    },
    Form {
        topic: MEMORY,
        pattern: "(what is|what's|do you remember|do you know|what was) my TEXT",
        examples: &[("What is my name?", "recall Which(\"name\")")],
        build: |caught| {
            vec![Step::Recall(Recall::Which(caught.text("TEXT").trim_end_matches('?').trim_end().to_owned()))]
        },
    },
    Form {
        topic: MEMORY,
        pattern: "my OLD is NEW",
        examples: &[("My name is Ada.", "recall Mine { what: \"name\", is: \"Ada\" }")],
        build: |caught| vec![Step::Recall(Recall::Mine { what: caught.text("OLD"), is: caught.text("NEW") })],
    },
    Form {
        topic: TRY,
        pattern: "rehearse [a|one] slow answer [of N [words|word]]",
        examples: &[("rehearse a slow answer of 200 words", "rehearse SlowAnswer(200)")],
        build: |caught| {
            vec![Step::Rehearse(Rehearsed::SlowAnswer(caught.number("N").unwrap_or(SLOW_WORDS_DEFAULT)))]
        },
    },
    Form {
        topic: TRY,
        pattern: "rehearse [a|one] malformed call",
        examples: &[("rehearse a malformed call", "rehearse MalformedCall · list")],
        build: |_| vec![Step::Rehearse(Rehearsed::MalformedCall), Step::List { folder: None }],
    },
    Form {
        topic: TRY,
        pattern: "rehearse [an|one|a] unknown tool",
        examples: &[("rehearse an unknown tool", "rehearse UnknownTool")],
        build: |_| vec![Step::Rehearse(Rehearsed::UnknownTool)],
    },
    Form {
        topic: TRY,
        pattern: "rehearse [a|one] (cut|broken) answer",
        examples: &[("rehearse a cut answer", "rehearse CutAnswer")],
        build: |_| vec![Step::Rehearse(Rehearsed::CutAnswer)],
    },
    Form {
        topic: TRY,
        pattern: "rehearse [an|one] unavailable model",
        examples: &[("rehearse an unavailable model", "rehearse Unavailable")],
        build: |_| vec![Step::Rehearse(Rehearsed::Unavailable)],
    },
    Form {
        topic: TRY,
        pattern: "ring (the|a) bell slowly",
        examples: &[("ring the bell slowly", "rehearse Bell(10)")],
        build: |_| vec![Step::Rehearse(Rehearsed::Bell(SLOW_BELL_SECONDS))],
    },
    Form {
        topic: TRY,
        pattern: "ring (the|a) bell [(for|after|in) N (seconds|second)]",
        examples: &[
            ("ring the bell", "rehearse Bell(0)"),
            ("ring the bell for 30 seconds", "rehearse Bell(30)"),
        ],
        build: |caught| vec![Step::Rehearse(Rehearsed::Bell(caught.number("N").unwrap_or(0)))],
    },
    Form {
        topic: ANSWER,
        pattern: "(say|answer with|answer|reply with|reply|echo|repeat after me|repeat) [:] TEXT",
        examples: &[
            ("say hello and goodbye", "tell \"hello and goodbye\""),
            ("Reply with \"yes, then no\".", "tell \"yes, then no\""),
        ],
        build: |caught| vec![Step::Tell(Content::Text(caught.text("TEXT")))],
    },
];

/// Long enough to stop the process by hand.
const SLOW_BELL_SECONDS: u64 = 10;
/// Long enough to be interrupted by hand.
const SLOW_WORDS_DEFAULT: u64 = 100;
