//! A root that asks as it begins, and once more each lap.
use super::*;

#[state]
pub(crate) struct Circling {
    pub(crate) laps: u32,
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
}
#[state]
pub(crate) struct Pausing {
    pub(crate) laps: u32,
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
}
#[state]
pub(crate) struct Circled {
    pub(crate) why: String,
}

graph! {
    /// Asks for the same chore each lap.
    pub(crate) graph Circle v1 {
        start Circling;
        Circling asks Chore -> Pausing;
        Pausing after 1m    -> Circling | Circled;
        lap Circling;
        end Circled;
        stop -> Circled;
    }
}
impl Ask<Chore> for Circling {
    fn ask(&self, purse: &mut Purse) -> Chore {
        purse.give(self.moves, self.meters);
        Chore { chore: 1 }
    }
    async fn answered(self, _: Did, _: &mut Cx<Circle>) -> Next<Self, Chore> {
        go(Pausing { laps: self.laps, moves: self.moves, meters: self.meters })
    }
}
impl On<Elapsed> for Pausing {
    async fn on(self, _: Elapsed, _: &mut Cx<Circle>) -> Next<Self, Elapsed> {
        match self.laps.checked_sub(1) {
            Some(laps) => go(Circling { laps, moves: self.moves, meters: self.meters }),
            None => go(Circled { why: "all around".into() }),
        }
    }
}
impl From<Stop> for Circled {
    fn from(stop: Stop) -> Circled {
        Circled { why: stop.why.to_string() }
    }
}
