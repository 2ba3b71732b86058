//! Stories of the rehearsal model: sentences in, plans and conversations out.
mod bell;
mod careful;
mod generated;
mod other_words;
mod sentences;
mod streaming;
mod talks;
mod workspace;
