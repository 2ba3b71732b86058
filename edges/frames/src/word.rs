//! The words of the protocol: short lists that may grow. A word of a later version is carried, never refused, so that an
//! old client survives a new daemon.
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
            /// A word of a later version.
            Other(String),
        }
        impl $name {
            /// Every word of this version.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            /// The word as it is sent.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)+
                    $name::Other(word) => word,
                }
            }
        }
        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => $name::$variant,)+
                    _ => $name::Other(word),
                }
            }
        }
        impl From<$name> for String {
            fn from(word: $name) -> String {
                word.as_str().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How far a turn is.
    TurnState {
        /// It goes on.
        Running = "running",
        /// The model answered.
        Completed = "completed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// It stopped without an answer; an error frame says why.
        Failed = "failed",
    }
}

words! {
    /// What a turn is busy with.
    ProgressKind {
        /// The model is asked.
        ProviderCall = "provider_call",
        /// An attempt at asking the model came to nothing, or another model answers: `message` says what, and what follows.
        Retry = "retry",
        /// A tool runs, or has run: `call.status` says which.
        ToolExecution = "tool_execution",
        /// The model wrote what cannot be used and is asked again.
        Correction = "correction",
        /// A call may have happened or not, and a person has to say which: `call` is the call, `message` the evidence.
        Uncertain = "uncertain",
    }
}

words! {
    /// How far a tool call is, or how it came out.
    CallStatus {
        /// It runs.
        Running = "running",
        /// It did what it was asked.
        Done = "done",
        /// It ran and failed.
        Failed = "failed",
        /// It was not run.
        Refused = "refused",
        /// It was cut off and may have happened.
        InDoubt = "in_doubt",
    }
}

words! {
    /// Why the model stopped writing.
    FinishReason {
        /// It had said what it had to say.
        Stop = "stop",
        /// It wants results of calls.
        ToolCalls = "tool_calls",
        /// It reached its limit.
        Length = "length",
        /// It, or its provider, refused.
        Refused = "refused",
    }
}

words! {
    /// What a client can branch on when something went wrong.
    ErrorCode {
        /// The request cannot be carried out as it is written.
        InvalidRequest = "invalid_request",
        /// A file, variable or flag of the configuration is wrong.
        InvalidConfiguration = "invalid_configuration",
        /// No session has that id.
        SessionNotFound = "session_not_found",
        /// The session has a turn under way.
        SessionBusy = "session_busy",
        /// A budget has nothing left of what was needed.
        BudgetSpent = "budget_spent",
        /// Somebody has to approve, and nobody is there to ask.
        ApprovalNeeded = "approval_needed",
        /// The turn stopped for good without an answer.
        TurnFailed = "turn_failed",
        /// The model answered, and not in the form that was asked for.
        AnswerUnfit = "answer_unfit",
        /// Something needed is out of reach; trying again may help.
        Unavailable = "unavailable",
        /// The home cannot be read or written.
        Storage = "storage",
        /// Ours: the log has everything.
        Internal = "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reads_back_what_it_writes() {
        for word in ErrorCode::WORDS {
            let code = ErrorCode::from((*word).to_owned());
            assert_eq!(code.as_str(), *word);
            assert!(!matches!(code, ErrorCode::Other(_)), "{word}");
        }
    }

    #[test]
    fn a_word_of_a_later_version_is_carried() {
        let state: TurnState = serde_json::from_str("\"hibernating\"").expect("any word is read");
        assert_eq!(state, TurnState::Other("hibernating".into()));
        assert_eq!(serde_json::to_string(&state).expect("a word prints"), "\"hibernating\"");
        assert!(serde_json::from_str::<TurnState>("7").is_err(), "a number is no word");
    }
}
