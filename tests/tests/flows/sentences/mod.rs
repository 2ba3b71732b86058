//! Sentences that a newcomer writes from the printed grammar alone: each does what it says. They are said one after the
//! other, in one session, and the files are looked at in between.
mod change;
mod look;
mod talk;

use tests::{Place, Running};

/// Somebody who talks to the agent.
struct Newcomer {
    place: Place,
    talk: Running,
}

impl Newcomer {
    fn new(files: &[(&str, &str)]) -> Newcomer {
        let place = Place::new();
        files.iter().for_each(|(name, content)| place.write(name, content));
        let talk = place.oxydra(&["run", "--json"]).start();
        Newcomer { place, talk }
    }

    /// Says it, and reads each of these words in the answer.
    #[track_caller]
    fn hears(&mut self, sentence: &str, words: &[&str]) {
        let seen = self.talk.ask(sentence);
        assert!(!seen.answer().contains("do not understand"), "{sentence}\n{}", seen.answer());
        for word in words {
            assert!(seen.answer().contains(word), "{sentence}\nno `{word}` in: {}", seen.answer());
        }
    }

    /// Says it, and does not read these words in the answer.
    #[track_caller]
    fn hears_not(&mut self, sentence: &str, words: &[&str]) {
        let seen = self.talk.ask(sentence);
        for word in words {
            assert!(!seen.answer().contains(word), "{sentence}\n`{word}` in: {}", seen.answer());
        }
    }

    /// Says it, and finds this in the file.
    #[track_caller]
    fn finds(&mut self, sentence: &str, file: &str, content: &str) {
        let seen = self.talk.ask(sentence);
        assert_eq!(self.place.read(file).as_deref(), Some(content), "{sentence}\n{}", seen.answer());
    }

    /// Says it, and the file is gone.
    #[track_caller]
    fn misses(&mut self, sentence: &str, file: &str) {
        let seen = self.talk.ask(sentence);
        assert_eq!(self.place.read(file), None, "{sentence}\n{}", seen.answer());
    }
}
