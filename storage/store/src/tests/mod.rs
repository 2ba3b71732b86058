//! What the store promises, told through its public face.
mod order;
mod rebuild;
mod tables;
mod trouble;
mod waiting;
