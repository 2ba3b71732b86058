//! Asks one model after the other until one answers. An attempt asks one of them once: whether there is another attempt, and
//! what those are told who heard the last one, is for the turn and its journal. Who is asked next is decided here: the same
//! model after a wait, or the next one at once.
use crate::breaker::{Breaker, Pause};
use domain::{Fragment, Model, ModelFault, ModelLimits, Question};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// So many questions are remembered by what has been tried for them. One that is forgotten begins with the first model.
const QUESTIONS_MAX: usize = 1_024;

/// What is added at most to a wait that a server asked for, as a part of it: many who were told the same come back in turn.
const SPREAD_PART: u32 = 10;

/// How failures are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How often a question is put to one model before the next is asked, at least once.
    pub attempts_max: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub wait_min: Duration,
    /// The longest wait. A server that asks for more is passed over, if there is another.
    pub wait_max: Duration,
    /// Whether waits are spread, so that many clients do not come back at once.
    pub is_spread: bool,
    /// When a model is left alone.
    pub pause: Pause,
}

/// Models that stand in for one another.
pub struct Chain {
    links: Arc<Links>,
}

struct Links {
    models: Vec<Arc<dyn Model>>,
    rules: Rules,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    breakers: Vec<Breaker>,
    /// Why each failed last.
    reasons: Vec<String>,
    /// By the key of the question.
    courses: HashMap<String, Course>,
}

/// What has been tried for a question.
#[derive(Debug, Clone, Default)]
struct Course {
    /// Who is asked.
    place: usize,
    /// How often it has failed.
    failures: u32,
    /// Those that do not answer us, whatever we ask.
    closed: Vec<usize>,
}

impl Chain {
    /// A chain that begins with `first`.
    pub fn new(first: Arc<dyn Model>, others: Vec<Arc<dyn Model>>, rules: Rules) -> Chain {
        let models: Vec<_> = [first].into_iter().chain(others).collect();
        let breakers = models.iter().map(|_| Breaker::default()).collect();
        let reasons = vec![String::new(); models.len()];
        let state = Mutex::new(State { breakers, reasons, courses: HashMap::new() });
        Chain { links: Arc::new(Links { models, rules, state }) }
    }
}

impl Model for Chain {
    fn id(&self) -> &str {
        self.links.models[0].id()
    }
    fn limits(&self) -> ModelLimits {
        self.links.models[0].limits()
    }
    fn ask(&self, question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let key = question.key.clone();
        let place = match self.links.next(&key) {
            Ok(place) => place,
            Err(fault) => return stream::iter([Err(fault)]).boxed(),
        };
        let (links, model) = (self.links.clone(), &self.links.models[place]);
        let stands_in = (place > 0).then(|| Ok(Fragment::Model(model.id().to_owned())));
        let mut has_begun = false;
        let answer = model.ask(question).map(move |fragment| match fragment {
            Ok(Fragment::Finish(finish)) => {
                links.answered(&key, place);
                Ok(Fragment::Finish(finish))
            }
            Ok(fragment) => {
                if !std::mem::replace(&mut has_begun, true) {
                    links.state().breakers[place].begun();
                }
                Ok(fragment)
            }
            Err(fault) => Err(links.failed(&key, place, fault)),
        });
        stream::iter(stands_in).chain(answer).boxed()
    }
}

impl Links {
    /// Who is asked: the model whose turn it is, or the first behind it that is not left alone.
    fn next(&self, key: &str) -> Result<usize, ModelFault> {
        let mut state = self.state();
        let (now, count) = (Instant::now(), self.models.len());
        let course = state.courses.get(key).cloned().unwrap_or_default();
        // A turn that is under way has waits of its own; without another model, only new questions are kept off.
        if count == 1 && course.failures > 0 {
            return Ok(course.place);
        }
        let mut soonest: Option<(Duration, usize)> = None;
        let open =
            (0..count).map(|n| (course.place + n) % count).filter(|place| !course.closed.contains(place));
        for place in open {
            match state.breakers[place].wait(now, self.rules.pause) {
                None => {
                    state.begin(key, place);
                    return Ok(place);
                }
                Some(wait) => soonest = soonest.into_iter().chain([(wait, place)]).min(),
            }
        }
        let (wait, place) = soonest.expect("a question whose models are all closed is over");
        let why =
            format!("it failed again and again and is left alone for a while: {}", state.reasons[place]);
        Err(ModelFault::Unavailable { why, retry_after: Some(wait) })
    }

    fn answered(&self, key: &str, place: usize) {
        let mut state = self.state();
        state.breakers[place].answered();
        state.courses.remove(key);
    }

    /// Notes a failure, and says what the turn shall do about it.
    fn failed(&self, key: &str, place: usize, fault: ModelFault) -> ModelFault {
        let mut state = self.state();
        match fault {
            // It is the question's fault, or the model's own word.
            ModelFault::Refused(_) => {
                state.courses.remove(key);
                fault
            }
            ModelFault::Closed(why) => self.closed(&mut state, key, place, why),
            ModelFault::Unavailable { why, retry_after } => {
                self.unwell(&mut state, key, place, why, retry_after)
            }
            ModelFault::Broken(why) => {
                let why = format!("it broke its protocol: {why}");
                self.unwell(&mut state, key, place, why, None)
            }
        }
    }

    fn closed(&self, state: &mut State, key: &str, place: usize, why: String) -> ModelFault {
        let course = state.courses.entry(key.to_owned()).or_default();
        course.closed.push(place);
        if course.closed.len() == self.models.len() {
            state.courses.remove(key);
            return ModelFault::Closed(why);
        }
        let other = self.pass_on(course, place);
        ModelFault::Unavailable {
            why: format!("{} cannot be used: {why}; {other} is asked", self.models[place].id()),
            retry_after: Some(Duration::ZERO),
        }
    }

    fn unwell(
        &self,
        state: &mut State,
        key: &str,
        place: usize,
        why: String,
        asked: Option<Duration>,
    ) -> ModelFault {
        let rules = &self.rules;
        let State { breakers, reasons, courses } = state;
        breakers[place].failed(Instant::now(), rules.pause, asked);
        reasons[place].clone_from(&why);
        let course = courses.entry(key.to_owned()).or_default();
        course.failures += 1;
        let spread = if rules.is_spread { spread(key, course.failures) } else { 0 };
        let wait = rules
            .wait(course.failures, spread)
            .max(asked.map_or(Duration::ZERO, |asked| later(asked, spread)));
        let is_alone = course.closed.len() + 1 >= self.models.len();
        if is_alone || (course.failures < rules.attempts_max && wait <= rules.wait_max) {
            return ModelFault::Unavailable { why, retry_after: Some(wait) };
        }
        let other = self.pass_on(course, place);
        ModelFault::Unavailable { why: format!("{why}; {other} is asked"), retry_after: Some(Duration::ZERO) }
    }

    /// The next model that may answer is asked from now on.
    fn pass_on(&self, course: &mut Course, place: usize) -> &str {
        let count = self.models.len();
        let mut others = (1..count).map(|n| (place + n) % count);
        course.place = others.find(|other| !course.closed.contains(other)).unwrap_or(place);
        course.failures = 0;
        self.models[course.place].id()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, key: &str, place: usize) {
        if self.courses.len() >= QUESTIONS_MAX && !self.courses.contains_key(key) {
            self.courses.clear();
        }
        let course = self.courses.entry(key.to_owned()).or_default();
        if course.place != place {
            (course.place, course.failures) = (place, 0);
        }
    }
}

impl Rules {
    /// The wait after so many failures: at least half of what has doubled, the rest by chance.
    fn wait(&self, failures: u32, spread: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = self.wait_min.saturating_mul(doubled).min(self.wait_max);
        if self.is_spread { wait / 2 + (wait / 2).mul_f64(part(spread)) } else { wait }
    }
}

fn later(asked: Duration, spread: u32) -> Duration {
    asked + (asked / SPREAD_PART).mul_f64(part(spread))
}

fn part(spread: u32) -> f64 {
    f64::from(spread) / f64::from(u32::MAX)
}

/// Chance by question and attempt: another one for each, and the same one at a second look.
fn spread(key: &str, attempt: u32) -> u32 {
    let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = key.as_bytes().iter().chain(&attempt.to_le_bytes()).fold(0x811c_9dc5, mix);
    // The low bits of the last byte hardly move the high ones: turned over once more, they do.
    (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d)
}

#[cfg(test)]
mod tests;
