//! Stories of the rehearsal model: sentences in, plans and conversations out.
mod sentences;
