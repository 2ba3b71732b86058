//! Effects as a script: what the world answers when it is asked for something by name. Under one key it answers the same
//! again, as a receiver does that honours keys; it is not for effects whose answers nobody knows before.
use crate::{Fault, Settled, Ticket};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A world that answers by a script. Its clones are the same world, which outlives every life of a process.
#[derive(Debug, Clone)]
pub struct Scripted<T>(Arc<Mutex<World<T>>>);

#[derive(Debug)]
struct World<T> {
    /// By name: one answer after the other, the last one again and again.
    answers: HashMap<String, VecDeque<Result<T, String>>>,
    /// By name and key, what was answered.
    given: HashMap<(String, String), Result<T, String>>,
    happened: Vec<String>,
}

impl<T: Clone> Scripted<T> {
    /// A world that answers so, by name; several answers to one name come one after the other, and the last one stays.
    pub fn new<'a>(answers: impl IntoIterator<Item = (&'a str, T)>) -> Scripted<T> {
        let empty = World { answers: HashMap::new(), given: HashMap::new(), happened: Vec::new() };
        let world = Scripted(Arc::new(Mutex::new(empty)));
        answers.into_iter().for_each(|(name, answer)| world.add(name, Ok(answer)));
        world
    }

    /// Adds a failure behind the answers that are there: a fault for good.
    pub fn and_fails(self, name: &str, why: &str) -> Scripted<T> {
        self.add(name, Err(why.to_owned()));
        self
    }

    fn add(&self, name: &str, answer: Result<T, String>) {
        self.lock().answers.entry(name.to_owned()).or_default().push_back(answer);
    }

    /// Answers the attempt of an effect.
    ///
    /// # Errors
    /// What the script says.
    ///
    /// # Panics
    /// When the script does not know the name.
    #[track_caller]
    pub fn answer(&self, ticket: &Ticket, name: &str) -> Result<Settled<T>, Fault> {
        let mut world = self.lock();
        let key = (name.to_owned(), ticket.key());
        let answer = match world.given.get(&key) {
            Some(given) => given.clone(),
            None => {
                let answers = world.answers.get_mut(name).filter(|answers| !answers.is_empty());
                let answers = answers.unwrap_or_else(|| panic!("nobody said what `{name}` answers"));
                let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
                let next = next.expect("there is one");
                world.happened.push(name.to_owned());
                world.given.insert(key, next.clone());
                next
            }
        };
        answer.map(Settled::new).map_err(Fault::fatal)
    }

    /// What has happened, each key once, in the order in which it happened first.
    pub fn happened(&self) -> Vec<String> {
        self.lock().happened.clone()
    }

    fn lock(&self) -> MutexGuard<'_, World<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InstanceId, testing::ticket};

    fn said(world: &Scripted<u32>, key: u128) -> String {
        let answer = world.answer(&ticket(InstanceId(key)), "dice");
        answer.map_or_else(|fault| fault.to_string(), |settled| settled.value.to_string())
    }

    #[test]
    fn answers_come_in_order_the_last_one_stays_and_a_key_has_one() {
        let world = Scripted::new([("dice", 3), ("dice", 5)]);
        assert_eq!([1, 1, 2, 3, 1].map(|key| said(&world, key)), ["3", "3", "5", "5", "3"]);
        assert_eq!(world.happened(), ["dice", "dice", "dice"]);
    }

    #[test]
    fn a_failure_is_an_answer_too() {
        let world = Scripted::new([("dice", 3)]).and_fails("dice", "it fell off the table");
        assert_eq!(
            [1, 2, 2].map(|key| said(&world, key)),
            ["3", "it fell off the table", "it fell off the table"]
        );
    }

    #[test]
    #[should_panic(expected = "nobody said what `coin` answers")]
    fn what_nobody_said_is_no_answer() {
        let _ = Scripted::<u32>::new([]).answer(&ticket(InstanceId(1)), "coin");
    }
}
