//! What is still to do, shared by those who do it, and the histogram of what was hit.
use crate::{
    chance::Chance,
    home::Tally,
    plan::{self, CHANCES, Plan, TARGETS},
};
use std::{collections::BTreeMap, fmt};

/// A life to live, and what it is to hit.
pub(crate) struct Job {
    pub(crate) plan: Plan,
    target: Option<(&'static str, usize)>,
}

/// Every state and window is hit so often.
const HITS_MIN: usize = 20;

/// An aim that does not hit is tried again, but not for ever.
const LIVES_PER_KILL_MAX: usize = 5;

/// So often what may be out of reach is tried.
const CHANCES_MAX: u64 = 60;

/// After so many kills a line says how far it is.
const KILLS_A_LINE: usize = 100;

/// One in so many lives that could is spent on killing a turn again.
const AGAIN_ONE_IN: u64 = 5;

/// What a way is worth that always leads there; fractions of it are whole numbers.
const WORTH: u64 = 1_000;

/// What is still to do, and what was done.
pub(crate) struct Board {
    chance: Chance,
    /// Kills that chance still has to choose.
    seeded: usize,
    lives: usize,
    lives_max: usize,
    kills: usize,
    hits: BTreeMap<String, usize>,
    /// How often each way to each target was gone, and how often it led there.
    ways: BTreeMap<(&'static str, usize), (u64, u64)>,
    tally: Tally,
    homes: usize,
}

impl Board {
    pub(crate) fn new(seed: u64, seeded: usize) -> Board {
        let lives_max = (seeded + HITS_MIN * TARGETS.len()) * LIVES_PER_KILL_MAX;
        Board {
            chance: Chance::of(seed),
            seeded,
            lives: 0,
            lives_max,
            kills: 0,
            hits: BTreeMap::new(),
            ways: BTreeMap::new(),
            tally: Tally::default(),
            homes: 0,
        }
    }

    /// The next life to live; `None` when everything was hit often enough, or cannot be.
    /// A turn that was left over is killed once more now and then.
    pub(crate) fn next(&mut self, is_left_over: bool) -> Option<Job> {
        self.lives += 1;
        if self.lives > self.lives_max {
            return None;
        }
        if self.seeded > 0 {
            return Some(Job { plan: plan::anywhere(&mut self.chance), target: None });
        }
        let wanted = [self.missed(), self.open_chances()].concat();
        if wanted.is_empty() {
            return None;
        }
        if is_left_over && self.chance.below(AGAIN_ONE_IN) == 0 {
            return Some(Job { plan: plan::again(&mut self.chance), target: None });
        }
        Some(self.aimed(&wanted))
    }

    /// Aims at one of these, more often by ways that led there before.
    fn aimed(&mut self, wanted: &[&'static str]) -> Job {
        let target = self.chance.pick(wanted);
        let mut plans = plan::towards(target);
        let tried = |way| self.ways.get(&(target, way)).copied().unwrap_or_default();
        let worth = |way| {
            let (tried, led) = tried(way);
            WORTH * (led + 1) / (tried + 2)
        };
        let ways: Vec<_> = (0..plans.len()).map(worth).collect();
        let mut at = self.chance.below(ways.iter().sum());
        let mut way = 0;
        while at >= ways[way] {
            at -= ways[way];
            way += 1;
        }
        Job { plan: plans.swap_remove(way), target: Some((target, way)) }
    }

    /// A life ended; by a kill if it stood somewhere.
    pub(crate) fn ended(&mut self, job: &Job, stands: Option<&[String]>) {
        if let Some((target, way)) = job.target {
            let (tried, led) = self.ways.entry((target, way)).or_default();
            *tried += 1;
            *led += u64::from(stands.is_some_and(|stands| stands.iter().any(|stand| stand == target)));
        }
        let Some(stands) = stands else { return };
        self.kills += 1;
        self.seeded = self.seeded.saturating_sub(1);
        for stand in stands {
            *self.hits.entry(stand.clone()).or_default() += 1;
        }
        if self.kills.is_multiple_of(KILLS_A_LINE) {
            println!(
                "{} kills in {} lives; not hit often enough: {:?}",
                self.kills,
                self.lives,
                self.missed()
            );
        }
    }

    /// Nothing more is to do.
    pub(crate) fn stop(&mut self) {
        self.lives_max = 0;
    }

    pub(crate) fn closed(&mut self, home: Tally) {
        self.homes += 1;
        self.tally.turns += home.turns;
        self.tally.requests += home.requests;
        self.tally.repeats += home.repeats;
        self.tally.doubts += home.doubts;
    }

    /// What was not hit often enough.
    pub(crate) fn missed(&self) -> Vec<&'static str> {
        TARGETS.into_iter().filter(|target| self.is_wanted(target)).collect()
    }

    fn open_chances(&self) -> Vec<&'static str> {
        let tries = |target| {
            let ways = self.ways.range((target, 0)..=(target, usize::MAX));
            ways.map(|(_, (tried, _))| tried).sum::<u64>()
        };
        let is_open = |target: &&'static str| self.is_wanted(target) && tries(*target) < CHANCES_MAX;
        CHANCES.into_iter().filter(is_open).collect()
    }

    fn is_wanted(&self, target: &str) -> bool {
        self.hits.get(target).is_none_or(|hits| *hits < HITS_MIN)
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Board { kills, lives, homes, tally, .. } = self;
        let Tally { turns, requests, repeats, doubts } = tally;
        writeln!(
            f,
            "{kills} kills in {lives} lives of {homes} homes; {turns} turns ended, {requests} requests"
        )?;
        writeln!(
            f,
            "{repeats} model calls were repeated under their key, {doubts} calls were said to be in doubt"
        )?;
        for (stand, hits) in &self.hits {
            writeln!(f, "{hits:>6}  {stand}")?;
        }
        Ok(())
    }
}
