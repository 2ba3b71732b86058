//! A journal with compacted files, a manifest and snapshots, some of which were changed: what is read is what was written.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::engine::home(bytes));
