//! Asks one model after the other until one answers. An attempt asks one of them once: that there is another attempt, and what
//! those are told who heard the last one, is for the turn and its journal. Who is asked next is decided here: the same model
//! after a wait, the next one at once, or nobody any more, since each has been asked as often as the rules say.
use crate::breaker::{Breaker, Pause};
use domain::{Finish, Fragment, Model, ModelFault, ModelLimits, Question, Shape};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    collections::HashMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// So many questions are remembered by what has been tried for them. One that is forgotten begins with the first model.
const QUESTIONS_MAX: usize = 1_024;

/// What is added at most to a wait that a server asked for, as a part of it: many who were told the same come back in turn.
const SPREAD_PART: u32 = 10;

/// Who asks to be left alone for longer than this is not waited for: a person would rather know.
const WAIT_LONGEST: Duration = Duration::from_secs(120);

/// How failures are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How often a question is put to one model, at least once. Then the next is asked, and behind the last one it is over.
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
#[derive(Debug, Clone)]
struct Course {
    /// Who is asked.
    place: usize,
    /// What came of it, by model.
    tried: Vec<Tried>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tried {
    /// How often it has failed.
    failures: u32,
    /// Whether it is not asked again: it answers us nothing whatever we ask, or has failed as often as it may.
    is_out: bool,
}

/// What went wrong at one model.
struct Failed {
    why: String,
    /// How long it asked to be left alone.
    asked: Option<Duration>,
    /// Whether it surely used nothing up.
    is_free: bool,
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
        let (mut has_begun, mut has_said, mut shape) = (false, false, Shape::default());
        // What is no answer counts here as what never came: it is asked for as often, and another model after it.
        let formed = model.ask(question).scan(false, move |is_over, fragment| {
            let formed = fragment.and_then(|fragment| match shape.take(&fragment) {
                Ok(()) => Ok(fragment),
                Err(why) => Err(ModelFault::Broken(why.to_string())),
            });
            let heard = (!std::mem::replace(is_over, formed.is_err())).then_some(formed);
            ready(heard)
        });
        let answer = formed.map(move |fragment| match fragment {
            Ok(Fragment::Finish(Finish::Stop | Finish::Calls)) if !has_said => {
                let fault = ModelFault::Broken("it said nothing and called nothing".to_owned());
                Err(links.failed(&key, place, fault, true))
            }
            Ok(Fragment::Finish(finish)) => {
                links.answered(&key, place);
                Ok(Fragment::Finish(finish))
            }
            Ok(fragment) => {
                has_said |= says(&fragment);
                if !std::mem::replace(&mut has_begun, true) {
                    links.state().breakers[place].begun();
                }
                Ok(fragment)
            }
            Err(fault) => Err(links.failed(&key, place, fault, has_begun)),
        });
        stream::iter(stands_in).chain(answer).boxed()
    }
}

impl Links {
    /// Who is asked: the model whose turn it is, or the first behind it that is not left alone.
    fn next(&self, key: &str) -> Result<usize, ModelFault> {
        let mut state = self.state();
        let (now, count) = (Instant::now(), self.models.len());
        let course = state.course(key, count).clone();
        // A turn that is under way has waits of its own; without another model, only new questions are kept off.
        if count == 1 && course.tried[0].failures > 0 {
            return Ok(course.place);
        }
        let mut soonest: Option<(Duration, usize)> = None;
        let open =
            (0..count).map(|n| (course.place + n) % count).filter(|place| !course.tried[*place].is_out);
        for place in open {
            match state.breakers[place].wait(now, self.rules.pause) {
                None => {
                    state.course(key, count).place = place;
                    return Ok(place);
                }
                Some(wait) => soonest = soonest.into_iter().chain([(wait, place)]).min(),
            }
        }
        let (wait, place) = soonest.expect("a question that nobody is left for is over");
        let why = format!("it failed before and is left alone for a while: {}", state.reasons[place]);
        if wait > WAIT_LONGEST {
            state.courses.remove(key);
            return Err(ModelFault::Closed(format!("{why}; ask again in {}", span(wait))));
        }
        Err(ModelFault::Unreached { why, retry_after: Some(wait) })
    }

    fn answered(&self, key: &str, place: usize) {
        let mut state = self.state();
        state.breakers[place].answered();
        state.courses.remove(key);
    }

    /// Notes a failure, and says what the turn shall do about it.
    fn failed(&self, key: &str, place: usize, fault: ModelFault, has_begun: bool) -> ModelFault {
        let mut state = self.state();
        let (why, asked, is_free) = match fault {
            // It is the question's fault, or the model's own word.
            ModelFault::Refused(_) => {
                state.courses.remove(key);
                return fault;
            }
            ModelFault::Closed(why) => {
                let failed = Failed { why, asked: None, is_free: !has_begun };
                return self.closed(&mut state, key, place, failed);
            }
            ModelFault::Unreached { why, retry_after } => (why, retry_after, !has_begun),
            ModelFault::Unavailable { why, retry_after } => (why, retry_after, false),
            ModelFault::Broken(why) => (format!("it broke its protocol: {why}"), None, false),
        };
        self.unwell(&mut state, key, place, Failed { why, asked, is_free })
    }

    fn closed(&self, state: &mut State, key: &str, place: usize, failed: Failed) -> ModelFault {
        state.reasons[place].clone_from(&failed.why);
        state.course(key, self.models.len()).tried[place].is_out = true;
        let why = format!("{} cannot be used: {}", self.models[place].id(), failed.why);
        self.pass_on(state, key, place, Failed { why, ..failed })
    }

    fn unwell(&self, state: &mut State, key: &str, place: usize, failed: Failed) -> ModelFault {
        let rules = &self.rules;
        let Failed { why, asked, is_free } = &failed;
        state.breakers[place].failed(Instant::now(), rules.pause, *asked);
        state.reasons[place].clone_from(why);
        let tried = &mut state.course(key, self.models.len()).tried;
        tried[place].failures += 1;
        let failures = tried[place].failures;
        tried[place].is_out = failures >= rules.attempts_max;
        if tried[place].is_out {
            return self.pass_on(state, key, place, failed);
        }
        let is_alone = tried.iter().enumerate().all(|(other, tried)| other == place || tried.is_out);
        let spread = if rules.is_spread { spread(key, failures) } else { 0 };
        let asked = asked.map_or(Duration::ZERO, |asked| later(asked, spread));
        let wait = rules.wait(failures, spread).min(WAIT_LONGEST).max(asked);
        if wait > rules.wait_max.min(WAIT_LONGEST) && !is_alone {
            return self.pass_on(state, key, place, failed);
        }
        if wait > WAIT_LONGEST {
            state.courses.remove(key);
            return ModelFault::Closed(format!(
                "{why}; it asks to be left alone: ask again in {}",
                span(wait)
            ));
        }
        again(why.clone(), wait, *is_free)
    }

    /// The next model that may answer is asked from now on; without one it is over.
    fn pass_on(&self, state: &mut State, key: &str, place: usize, failed: Failed) -> ModelFault {
        let count = self.models.len();
        let course = state.course(key, count);
        let mut others = (1..count).map(|n| (place + n) % count);
        if let Some(other) = others.find(|other| !course.tried[*other].is_out) {
            course.place = other;
            let why = format!("{}; {} is asked", failed.why, self.models[other].id());
            return again(why, Duration::ZERO, failed.is_free);
        }
        let tried = state.courses.remove(key).map(|course| course.tried).unwrap_or_default();
        let each = self.models.iter().zip(&state.reasons).zip(&tried);
        let each: Vec<_> = each
            .map(|((model, reason), tried)| match tried.failures {
                failures if failures < self.rules.attempts_max => (model.id(), reason.clone()),
                1 => (model.id(), format!("{reason} (asked once, as `reliability.max_attempts` says)")),
                n => (model.id(), format!("{reason} (asked {n} times, as `reliability.max_attempts` says)")),
            })
            .collect();
        ModelFault::Closed(match &each[..] {
            [(_, why)] => why.clone(),
            all => {
                let all: Vec<_> = all.iter().map(|(model, why)| format!("{model}: {why}")).collect();
                format!("none of them answers: {}", all.join("; "))
            }
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The course of a question, which may begin here.
    fn course(&mut self, key: &str, count: usize) -> &mut Course {
        if self.courses.len() >= QUESTIONS_MAX && !self.courses.contains_key(key) {
            self.courses.clear();
        }
        let new = || Course { place: 0, tried: vec![Tried::default(); count] };
        self.courses.entry(key.to_owned()).or_insert_with(new)
    }
}

/// Whether there is something in it for the turn: words or a call.
fn says(fragment: &Fragment) -> bool {
    match fragment {
        Fragment::Text(text) => !text.is_empty(),
        Fragment::Call { .. } => true,
        Fragment::Reasoning(_)
        | Fragment::Model(_)
        | Fragment::Usage(_)
        | Fragment::State(_)
        | Fragment::Finish(_) => false,
    }
}

/// The turn is to try again.
fn again(why: String, wait: Duration, is_free: bool) -> ModelFault {
    let retry_after = Some(wait);
    if is_free {
        ModelFault::Unreached { why, retry_after }
    } else {
        ModelFault::Unavailable { why, retry_after }
    }
}

/// A span of time as a person says it.
fn span(wait: Duration) -> String {
    match wait.as_millis().div_ceil(1_000) {
        seconds @ ..=120 => format!("{seconds} s"),
        seconds if seconds <= 7_200 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3_600)),
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
