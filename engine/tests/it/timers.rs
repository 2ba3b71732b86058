//! Timers that a state sets, and clocks that are set: a day forward, an hour back, a night in suspension. What is due
//! fires once.
use crate::lab::{Pieces, RUN, World, plenty};
use alarm::{Alarm, AlarmEnd, Armed, Kettle, KettleEnd, Resting, Snooze};
use engine::{
    Clock, Time,
    prelude::*,
    testing::{Life, crash_everywhere, settled},
};
use expect_test::expect;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

mod alarm {
    //! Rings at each full hour; and a kettle that waits as long as it is told.
    use crate::lab::World;
    use engine::{Time, prelude::*};
    use std::{future::ready, time::Duration};

    #[state]
    pub(crate) struct Armed {
        pub(crate) due: Time,
        pub(crate) left: u32,
    }
    #[state]
    pub(crate) struct Ringing {
        pub(crate) left: u32,
    }
    #[state]
    pub(crate) struct Worn {
        pub(crate) why: String,
    }
    #[event]
    pub(crate) struct Snooze {
        pub(crate) until: Time,
    }
    graph! {
        /// Rings at each full hour, a number of times.
        pub(crate) graph Alarm(World) v1 {
            start Armed;
            Armed after self.due -> Ringing;
            Armed on Snooze      -> Armed;
            Ringing              -> Armed | Worn;
            end Worn;
            stop -> Worn;
        }
    }
    impl On<Elapsed> for Armed {
        async fn on(self, _: Elapsed, _: &mut Cx<Alarm>) -> Next<Self, Elapsed> {
            go(Ringing { left: self.left })
        }
    }
    impl On<Snooze> for Armed {
        async fn on(self, snooze: Snooze, _: &mut Cx<Alarm>) -> Next<Self, Snooze> {
            go(Armed { due: snooze.until, left: self.left })
        }
    }
    impl Step for Ringing {
        async fn step(self, cx: &mut Cx<Alarm>) -> Next<Self> {
            let hour = cx.at().0 / 3_600_000;
            let ring = |_| {
                cx.env.note(format!("ring {}", hour % 24));
                ready(Ok(Settled::new(())))
            };
            cx.effect("ring", Hold::NOTHING, ring).await?;
            match self.left.checked_sub(1) {
                Some(left) => go(Armed { due: Time((hour + 1) * 3_600_000), left }),
                None => go(Worn { why: "worn".into() }),
            }
        }
    }
    impl From<Stop> for Worn {
        fn from(stop: Stop) -> Worn {
            Worn { why: stop.why.to_string() }
        }
    }

    #[state]
    pub(crate) struct Resting {
        pub(crate) minutes: Option<u64>,
    }
    #[state]
    pub(crate) struct Boiled;
    #[event]
    pub(crate) struct Touched;
    graph! {
        /// Boils as long as it is told, or for ever.
        pub(crate) graph Kettle v1 {
            start Resting;
            Resting after self.boils() -> Boiled;
            Resting on Touched         -> Resting;
            end Boiled;
            stop -> Boiled;
        }
    }
    impl Resting {
        fn boils(&self) -> Option<Duration> {
            self.minutes.map(|minutes| Duration::from_secs(60 * minutes))
        }
    }
    impl On<Elapsed> for Resting {
        async fn on(self, _: Elapsed, _: &mut Cx<Kettle>) -> Next<Self, Elapsed> {
            go(Boiled)
        }
    }
    impl On<Touched> for Resting {
        async fn on(self, _: Touched, _: &mut Cx<Kettle>) -> Next<Self, Touched> {
            go(Resting { minutes: Some(1) })
        }
    }
    impl From<Stop> for Boiled {
        fn from(_: Stop) -> Boiled {
            Boiled
        }
    }
}

/// What a test sets up: alarms, their world, and a clock.
struct Night {
    pieces: Pieces,
    world: World,
    life: Life,
}

impl Night {
    fn falls() -> Night {
        Night::after(Pieces::new(), World::default(), Vec::new())
    }

    fn after(pieces: Pieces, world: World, left: Vec<engine::log::Group>) -> Night {
        let builder = pieces.builder().graph::<Alarm>(world.clone()).graph::<Kettle>(());
        Night { life: Life::after(left, builder).unwrap(), pieces, world }
    }

    fn in_an_hour(&self) -> Time {
        self.pieces.clock.now().after(HOUR)
    }

    /// An alarm that is due in an hour, and then at each full one.
    async fn alarm(&self, left: u32) -> engine::Run<Alarm> {
        let armed = Armed { due: self.in_an_hour(), left };
        self.life.engine.start_as(RUN, armed, plenty()).await.unwrap()
    }

    async fn kettle(&self, minutes: Option<u64>) -> engine::Run<Kettle> {
        let run = self.life.engine.start(Resting { minutes }, plenty()).await.unwrap();
        settled().await;
        run
    }

    /// Lets everything go on that can, audits, and says what rang.
    async fn heard(&self) -> Vec<String> {
        settled().await;
        self.life.audit();
        self.world.take()
    }

    async fn crash(self) -> Night {
        let left = self.life.crash().await;
        Night::after(self.pieces, self.world, left)
    }
}

#[tokio::test]
async fn an_alarm_rings_when_its_state_says() {
    let night = Night::falls();
    night.alarm(9).await;
    night.pieces.clock.advance(HOUR - Duration::from_millis(1));
    assert!(night.heard().await.is_empty());
    night.pieces.clock.advance(Duration::from_millis(1));
    assert_eq!(night.heard().await, ["ring 23"]);
    night.pieces.clock.advance(HOUR);
    assert_eq!(night.heard().await, ["ring 0"]);
}

#[tokio::test]
async fn an_event_that_comes_first_takes_the_timer_with_it() {
    let night = Night::falls();
    let run = night.alarm(9).await;
    run.send(Snooze { until: night.in_an_hour().after(HOUR) }).await.unwrap();
    night.pieces.clock.advance(HOUR);
    assert!(night.heard().await.is_empty());
    night.pieces.clock.advance(HOUR);
    assert_eq!(night.heard().await, ["ring 0"]);
}

#[tokio::test]
async fn a_time_that_has_passed_rings_at_once() {
    let night = Night::falls();
    let armed = Armed { due: Time(0), left: 0 };
    let run = night.life.engine.start_as(RUN, armed, plenty()).await.unwrap();
    let AlarmEnd::Worn(worn) = run.end().await.unwrap();
    assert_eq!(worn.why, "worn");
}

#[tokio::test]
async fn a_span_is_counted_from_the_state_and_never_is_never() {
    let night = Night::falls();
    let (boils, never) = (night.kettle(Some(3)).await, night.kettle(None).await);
    night.pieces.clock.advance(Duration::from_secs(60 * 3));
    let KettleEnd::Boiled(_) = boils.end().await.unwrap();
    night.pieces.clock.advance(DAY * 4000);
    settled().await;
    assert!(!never.is_over());
    never.send(alarm::Touched).await.unwrap();
    settled().await;
    night.pieces.clock.advance(Duration::from_secs(60));
    let KettleEnd::Boiled(_) = never.end().await.unwrap();
}

#[tokio::test]
async fn a_day_forward_what_is_due_fires_once() {
    let night = Night::falls();
    let (_alarm, boils) = (night.alarm(9).await, night.kettle(Some(3)).await);
    night.pieces.clock.set_forward(DAY);
    assert_eq!(night.heard().await, ["ring 22"], "one ring for the day, and the next at the next full hour");
    assert!(boils.is_over());
    night.pieces.clock.advance(HOUR);
    assert_eq!(night.heard().await, ["ring 23"]);
}

#[tokio::test]
async fn an_hour_back_nothing_fires_twice() {
    let night = Night::falls();
    night.alarm(9).await;
    night.pieces.clock.advance(HOUR);
    assert_eq!(night.heard().await, ["ring 23"]);
    night.pieces.clock.set_back(HOUR);
    night.pieces.clock.advance(HOUR);
    assert!(night.heard().await.is_empty(), "it has rung for this hour already");
    night.pieces.clock.advance(HOUR);
    assert_eq!(night.heard().await, ["ring 0"]);
}

#[tokio::test]
async fn an_hour_back_while_it_rings_nothing_fires_twice() {
    let night = Night::falls();
    night.alarm(9).await;
    night.life.log.hold();
    night.pieces.clock.advance(HOUR);
    settled().await;
    // It has moved on, and waits for the disk before it rings.
    night.pieces.clock.set_back(HOUR);
    for _ in 0..3 {
        night.life.log.release();
        settled().await;
    }
    assert_eq!(night.heard().await, ["ring 23"]);
    night.pieces.clock.advance(HOUR);
    night.life.log.release();
    assert!(night.heard().await.is_empty());
}

#[tokio::test]
async fn an_hour_back_a_span_takes_its_length() {
    let night = Night::falls();
    let boils = night.kettle(Some(3)).await;
    night.pieces.clock.advance(Duration::from_secs(60));
    night.pieces.clock.set_back(HOUR);
    night.pieces.clock.advance(Duration::from_secs(119));
    settled().await;
    assert!(!boils.is_over());
    night.pieces.clock.advance(Duration::from_secs(1));
    let KettleEnd::Boiled(_) = boils.end().await.unwrap();
}

#[tokio::test]
async fn an_hour_back_between_two_lives_a_span_takes_its_length_once_more_at_most() {
    let night = Night::falls();
    let boils = night.kettle(Some(3)).await.id();
    night.pieces.clock.set_back(HOUR);
    let night = night.crash().await;
    let boils = night.life.engine.run::<Kettle>(boils).unwrap();
    settled().await;
    assert!(!boils.is_over());
    night.pieces.clock.advance(Duration::from_secs(60 * 3));
    let KettleEnd::Boiled(_) = boils.end().await.unwrap();
}

#[tokio::test]
async fn after_a_night_in_suspension_what_is_late_fires_once() {
    let night = Night::falls();
    night.alarm(9).await;
    // Suspended, and killed before anything was noticed; then suspended once more.
    night.pieces.clock.set_forward(HOUR * 5);
    let night = night.crash().await;
    assert_eq!(night.heard().await, ["ring 3"]);
    night.pieces.clock.set_forward(HOUR * 5);
    assert_eq!(night.heard().await, ["ring 8"]);
    let night = night.crash().await;
    assert!(night.heard().await.is_empty());
}

#[tokio::test]
async fn a_crash_at_any_record_rings_no_more_and_no_less() {
    let (pieces, world) = (Pieces::hasty(), World::default());
    let due = pieces.clock.now().after(HOUR);
    let script = async |engine: Engine| {
        let run = engine.start_as(RUN, Armed { due, left: 2 }, plenty()).await.unwrap();
        let AlarmEnd::Worn(worn) = run.end().await.unwrap();
        worn.why
    };
    let all = || pieces.builder().graph::<Alarm>(world.clone());
    let crashes = crash_everywhere(all, script).await;
    expect!["worn"].assert_eq(&crashes.uncut);
    crashes.all_alike();
}
