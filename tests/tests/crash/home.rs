//! A home with a conversation in it, life by life: each life of the program finishes what an earlier one left, is asked
//! something new, and is killed. What a client of it may rely on is claimed after each.
use crate::{
    aim::{Trigger, What},
    claims::Kept,
    past::{self, Past},
    plan::{Plan, UNKNOWN},
    provider::Provider,
    watch::watch,
};
use frames::{CallStatus, Frame};
use std::sync::Arc;
use tests::{Oxydra, Place, Running, Seen};

/// The session of all its turns.
const SESSION: &str = "crashes";

/// A turn, as its client knows it.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) prompt: String,
    /// Its id, once the program has said that it began.
    pub(crate) id: Option<String>,
    /// The answer, once the program has said it.
    pub(crate) answer: Option<String>,
}

/// A home.
pub(crate) struct Home {
    pub(crate) place: Place,
    pub(crate) provider: Provider,
    trigger: Arc<Trigger>,
    /// Those that the journal knows, and the one that was typed last.
    pub(crate) turns: Vec<Turn>,
    pub(crate) kept: Kept,
    prompts: usize,
    /// Whether its last turn is not over.
    pub(crate) is_left_over: bool,
}

/// How a life ended.
pub(crate) enum Ended {
    /// By itself, before anybody had what was aimed at.
    Unhurt,
    /// It was killed in this state and these windows.
    Killed(Vec<String>),
}

/// What the histogram calls it when a turn is killed that was killed before.
const AGAIN: &str = "(killed again before it could end)";

impl Home {
    pub(crate) fn new() -> Home {
        let place = Place::new();
        place.write("a.txt", "alpha\n");
        place.write("b.txt", "beta\n");
        let trigger = Arc::new(Trigger::default());
        let provider = Provider::start(trigger.clone());
        let home = Home {
            place,
            provider,
            trigger,
            turns: vec![],
            kept: Kept::default(),
            prompts: 0,
            is_left_over: false,
        };
        // It makes the journal, which can be watched from then on.
        home.oxydra().done().ended(0);
        let shared = home.place.shared();
        watch(&home.place.journal(), &shared, &shared.with_file_name(".drafts"), home.trigger.clone());
        home
    }

    fn oxydra(&self) -> Oxydra {
        let oxydra = self.place.oxydra(&["run", "--json", "--session", SESSION]);
        let local = |name: &str| format!("OXYDRA__PROVIDERS__REGISTRY__LOCAL__{name}");
        oxydra
            .env("OXYDRA__SELECTION__PROVIDER", "local")
            .env("OXYDRA__SELECTION__MODEL", "scripted")
            .env("OXYDRA__RUNTIME__MAX_TURNS", "500")
            .env(&local("PROVIDER_TYPE"), "openai")
            .env(&local("BASE_URL"), &self.provider.url())
            // So large that no conversation here has its tokens counted.
            .env(&local("MAX_CONTEXT_TOKENS"), "1000000000")
            .env(&local("MAX_OUTPUT_TOKENS"), "1000")
    }

    /// How many turns it has.
    pub(crate) fn len(&self) -> usize {
        self.turns.len()
    }

    /// Lives once: finishes what is left, is asked what the plan says, and is killed where it says.
    pub(crate) fn life(&mut self, plan: &Plan) -> Ended {
        self.prompts += 1;
        let fault = plan.fault.iter().map(|fault| format!(", {fault}"));
        let prompt =
            [plan.scene.prompt(self.prompts)].into_iter().chain(fault).collect::<String>().trim().to_owned();
        self.turns.push(Turn { prompt: prompt.clone(), id: None, answer: None });
        self.provider.aim_at(&prompt);
        let before = self.provider.log().len();
        let mut running = self.oxydra().start();
        self.trigger.aim(running.pid(), &plan.aim);
        running.say(&prompt);
        self.listen(&mut running);
        self.trigger.release();
        let done = running.done();
        let code = done.code();
        assert!(code == 0 || code == -1, "{done:#?}");
        let (typed, was_left_over) = (self.turns.len(), self.is_left_over);
        let last = self.look();
        self.kept.after_life(&self.turns, last.as_ref(), &self.provider, before);
        if code == 0 {
            assert_eq!(done.rest, "", "only who is killed leaves half a line");
            assert_eq!(self.turns.len(), typed, "what was answered is in the journal");
            return Ended::Unhurt;
        }
        let again = was_left_over && self.is_left_over && self.turns.len() < typed;
        let mut stands = last.map(|past| past.stands(&self.place, &self.provider.log())).unwrap_or_default();
        if self.turns.len() < typed {
            stands.push(UNKNOWN.to_owned());
        }
        if again {
            stands.push(AGAIN.to_owned());
        }
        Ended::Killed(stands)
    }

    /// Hears what it says, until the turn that was typed is over or it is dead.
    fn listen(&mut self, running: &mut Running) {
        let mut heard = Vec::new();
        while let Some(frame) = running.frame() {
            what(&frame).into_iter().for_each(|what| _ = self.trigger.saw(what));
            if let Frame::TurnStarted(started) = &frame {
                self.began(&started.turn.turn_id);
            }
            heard.push(frame);
            if heard.last().is_some_and(Seen::is_last) {
                // It checks that the words are the answer, and that all frames are of one turn.
                let seen = Seen::of(&std::mem::take(&mut heard));
                self.over(&seen);
                if self.turns.last().is_some_and(|turn| turn.id.as_ref() == Some(&seen.turn)) {
                    running.end_input();
                }
            }
        }
    }

    /// A turn is said to begin: one that was left over under its old id, and before any other.
    fn began(&mut self, id: &str) {
        if self.turns.iter().any(|turn| turn.id.as_deref() == Some(id)) {
            let known = self.turns.iter().position(|turn| turn.id.as_deref() == Some(id));
            let left = self.turns.len() - 2;
            assert_eq!(known, Some(left), "only the turn before can be left over: {:#?}", self.turns);
            return;
        }
        let open = |turn: &&mut Turn| turn.id.is_none();
        // The ids of turns that were never said to have begun are unknown; of those, the oldest comes first.
        let turn = self.turns.iter_mut().find(open).expect("nothing begins that was not typed");
        turn.id = Some(id.to_owned());
    }

    fn over(&mut self, seen: &Seen) {
        let turn = self.turns.iter_mut().find(|turn| turn.id.as_ref() == Some(&seen.turn));
        let turn = turn.expect("it was said to begin");
        let answer = seen.answer().to_owned();
        assert!(turn.answer.is_none(), "it was answered already: {turn:?}");
        turn.answer = Some(answer);
    }

    /// Looks at the last turn that the journal knows. If that is not the one that was typed last, nobody was told that
    /// this one began.
    fn look(&mut self) -> Option<Past> {
        let runs = past::runs(&self.place);
        if runs.len() + 1 == self.turns.len() {
            let last = self.turns.pop().expect("one more than the runs");
            assert_eq!(last.id, None, "the program said that it began: {last:?}");
        }
        assert_eq!(runs.len(), self.turns.len(), "each prompt is a run: {:#?}", self.turns);
        let last = past::past(&self.place, runs.last()?);
        self.is_left_over = last.life != "ended";
        let over = self.turns.len() - usize::from(self.is_left_over);
        for turn in self.turns[..over].iter_mut().filter(|turn| turn.id.is_none()) {
            // It began and ended without a word; nobody will say its id any more.
            turn.id = Some("never said".to_owned());
        }
        Some(last)
    }

    /// Lives once more, unhurt, and claims that all is as if nobody had been killed.
    pub(crate) fn close(mut self) -> Tally {
        match self.life(&Plan::unhurt()) {
            Ended::Unhurt => {}
            Ended::Killed(where_) => panic!("nobody aimed, and it was killed in {where_:?}"),
        }
        let runs = past::runs(&self.place);
        let pasts: Vec<_> = runs.iter().map(|run| past::past(&self.place, run)).collect();
        crate::claims::whole(&self, &pasts)
    }
}

/// What a home adds to the report.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) turns: usize,
    pub(crate) requests: usize,
    /// Model calls that were made again.
    pub(crate) repeats: usize,
    /// Calls of which the model was told that they are in doubt.
    pub(crate) doubts: usize,
}

fn what(frame: &Frame) -> Vec<What> {
    let more = match frame {
        Frame::AssistantDelta(_) => Some(What::Delta),
        Frame::TurnProgress(progress) => progress.progress.call.as_ref().map(|call| match call.status {
            CallStatus::Running => What::Running,
            CallStatus::Done
            | CallStatus::Failed
            | CallStatus::Refused
            | CallStatus::InDoubt
            | CallStatus::Other(_) => What::Ran,
        }),
        Frame::TurnCompleted(_) | Frame::TurnCancelled(_) | Frame::Error(_) => Some(What::Over),
        Frame::TurnStarted(_) | Frame::ReasoningDelta(_) | Frame::HelloAck(_) | Frame::SessionList(_) => None,
    };
    [What::Frame].into_iter().chain(more).collect()
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let place = std::mem::take(&mut self.place);
            println!("the home of what failed is kept: {}", place.root().display());
            println!("its turns: {:#?}", self.turns);
            std::mem::forget(place);
        }
    }
}
