//! Verdicts from facts, and the stages of a tool call.
