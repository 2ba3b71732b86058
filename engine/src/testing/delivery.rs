//! What a network may do to the events of a script: lose one, deliver one late, deliver one twice, anywhere. Each way is
//! played with a crash behind every group. It says nothing of what should come of it: the author claims that.
use super::crash::{Crashes, crash_everywhere};
use crate::{Engine, open::Builder};
use std::{
    fmt::{self, Debug, Write},
    iter::once,
};

/// How the events of a script are delivered: their numbers, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is different from plain.
    pub how: How,
    /// Which events come, in this order.
    pub order: Vec<usize>,
}

/// What a network does to one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Nothing.
    Plain,
    /// It is lost.
    Lost(usize),
    /// It comes behind a later one.
    Late(usize, usize),
    /// It comes once more, behind itself or a later one.
    Twice(usize, usize),
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Plain => f.write_str("plain"),
            How::Lost(event) => write!(f, "{event} lost"),
            How::Late(event, other) => write!(f, "{event} behind {other}"),
            How::Twice(event, other) => write!(f, "{event} again behind {other}"),
        }
    }
}

impl How {
    /// Every way for so many events.
    fn all(events: usize) -> impl Iterator<Item = How> {
        let lost = (0..events).map(How::Lost);
        let late =
            (0..events).flat_map(move |event| (event + 1..events).map(move |other| How::Late(event, other)));
        let twice =
            (0..events).flat_map(move |event| (event..events).map(move |other| How::Twice(event, other)));
        once(How::Plain).chain(lost).chain(late).chain(twice)
    }

    fn order(self, events: usize) -> Vec<usize> {
        let behind =
            |event: usize, other: usize, each: usize| once(each).chain((each == other).then_some(event));
        match self {
            How::Plain => (0..events).collect(),
            How::Lost(event) => (0..events).filter(|each| *each != event).collect(),
            How::Late(event, other) => {
                let rest = (0..events).filter(|each| *each != event);
                rest.flat_map(|each| behind(event, other, each)).collect()
            }
            How::Twice(event, other) => (0..events).flat_map(|each| behind(event, other, each)).collect(),
        }
    }
}

/// What became of a script with every delivery and every crash.
#[derive(Debug)]
pub struct Deliveries<T> {
    /// By delivery; the plain one comes first.
    pub all: Vec<(Delivery, Crashes<T>)>,
}

impl<T: PartialEq + Debug> Deliveries<T> {
    /// Claims that no crash changed an end, and that an event which came twice, under one id, counted once.
    ///
    /// # Panics
    /// When one did not.
    #[track_caller]
    pub fn twice_is_once(&self) {
        let plain = &self.all[0].1.uncut;
        for (delivery, crashes) in &self.all {
            crashes.all_alike();
            assert!(
                !matches!(delivery.how, How::Twice(..)) || crashes.uncut == *plain,
                "{}: {:?}, and {plain:?} without",
                delivery.how,
                crashes.uncut
            );
        }
    }

    /// The deliveries that led to another end than the plain one, and to which: a table to look at.
    pub fn unlike(&self) -> String {
        let plain = &self.all[0].1.uncut;
        let mut table = String::new();
        for (delivery, crashes) in self.all.iter().filter(|(_, crashes)| crashes.uncut != *plain) {
            writeln!(table, "{}: {:?}", delivery.how, crashes.uncut)
                .expect("a string takes what is written to it");
        }
        table
    }
}

/// Plays a script of so many events with each of them lost, late and twice, and each of these with a crash behind every
/// group. The script sends the events that it is told, in that order, each under an id of its own (`send_as`), and must
/// come to an end without those that are lost: give it a [`ManualClock::hasty`](super::ManualClock::hasty), and a timer.
///
/// # Panics
/// As [`crash_everywhere`].
pub async fn deliver_everyhow<T: PartialEq + Debug>(
    builder: impl Fn() -> Builder,
    events: usize,
    script: impl AsyncFn(Engine, &[usize]) -> T,
) -> Deliveries<T> {
    let mut all = Vec::new();
    for how in How::all(events) {
        let order = how.order(events);
        let crashes = crash_everywhere(&builder, async |engine| script(engine, &order).await).await;
        all.push((Delivery { how, order }, crashes));
    }
    Deliveries { all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_event_is_lost_late_and_twice() {
        let line = |how: How| format!("{how}: {:?}\n", how.order(3));
        expect![[r#"
            plain: [0, 1, 2]
            0 lost: [1, 2]
            1 lost: [0, 2]
            2 lost: [0, 1]
            0 behind 1: [1, 0, 2]
            0 behind 2: [1, 2, 0]
            1 behind 2: [0, 2, 1]
            0 again behind 0: [0, 0, 1, 2]
            0 again behind 1: [0, 1, 0, 2]
            0 again behind 2: [0, 1, 2, 0]
            1 again behind 1: [0, 1, 1, 2]
            1 again behind 2: [0, 1, 2, 1]
            2 again behind 2: [0, 1, 2, 2]
        "#]]
        .assert_eq(&How::all(3).map(line).collect::<String>());
    }
}
