//! `oxydra run`: one prompt, or one after the other, in one session.
use crate::{
    args::{Input, Run},
    attach,
    desk::{Desk, UnderWay},
    enter::{Chosen, enter},
    exit::{Exit, Failure},
    house::{Going, House},
    interrupt::Interrupts,
    lines::{self, Line},
    linger::linger,
    person::Person,
    prompt,
    report::{Report, Reporter},
    surface::{self, Surface},
    watch::{Watch, Watched},
};
use config::Selection;
use domain::Attachment;
use engine::Told;
use futures::FutureExt;
use std::io::{self, IsTerminal, Write};
use tokio::sync::{broadcast::Receiver, mpsc};

pub(crate) fn run(run: &Run) -> Result<Exit, Failure> {
    // Read before the home is opened: a prompt that cannot be used should leave no trace.
    let prompt = match &run.input {
        Input::Lines => None,
        Input::Text(text) => Some(prompt::checked(text.clone())?),
        Input::Piped => Some(prompt::piped(io::stdin().lock())?),
    };
    let attached = attach::read(&run.attach)?;
    let runtime = super::runtime()?;
    let exit = runtime.block_on(talk(run, prompt, attached));
    // A turn that is left must not keep the process: it goes on next time.
    runtime.shutdown_background();
    exit
}

async fn talk(run: &Run, prompt: Option<String>, attached: Vec<Attachment>) -> Result<Exit, Failure> {
    let mut surface = surface::of_process(run.json);
    // Before anything else: a press while the home opens is heard too.
    let interrupts = Interrupts::listen();
    let Run { model, thinking, schema, .. } = run;
    let chosen = Chosen { model: model.as_deref(), thinking: thinking.as_deref(), schema: schema.as_deref() };
    let (house, told, _log) = enter(&run.home, &run.user, chosen, &mut *surface, Going::All).await?;
    let exit = Talk::sit(&house, run, surface, interrupts, attached).await?.all(prompt, told).await;
    house.close().await;
    exit
}

struct Talk<'a> {
    house: &'a House,
    desk: Desk<'a>,
    reporter: Reporter,
    surface: Box<dyn Surface>,
    interrupts: Interrupts,
    /// Where a person types, if one does.
    lines: Option<mpsc::Receiver<Line>>,
    /// What goes with the next prompt.
    attached: Vec<Attachment>,
}

impl<'a> Talk<'a> {
    async fn sit(
        house: &'a House,
        run: &Run,
        surface: Box<dyn Surface>,
        interrupts: Interrupts,
        attached: Vec<Attachment>,
    ) -> Result<Talk<'a>, Failure> {
        attach::check(&attached, &house.config.selection)?;
        let desk = Desk::sit(house, &run.user, &run.session).await?;
        let reporter = Reporter::new(&run.user, desk.session(), house.config.runtime.max_turns.0);
        let lines = matches!(run.input, Input::Lines).then(lines::lines);
        Ok(Talk { house, desk, reporter, surface, interrupts, lines, attached })
    }

    async fn all(mut self, prompt: Option<String>, told: Receiver<Told>) -> Result<Exit, Failure> {
        let exit = self.turns(prompt, told).await?;
        surface::arrived(&*self.surface, exit)
    }

    async fn turns(&mut self, prompt: Option<String>, told: Receiver<Told>) -> Result<Exit, Failure> {
        if prompt.is_some() || self.house.config.runtime.answer_schema.is_some() {
            // What reads the one answer that was asked for, or answers of one form, should get no other.
            self.surface.earlier();
        }
        let interrupted = self.interrupted(told).await;
        self.surface.asked_for();
        let exit = match interrupted {
            watched @ (Watched::Left | Watched::Waiting) => {
                if prompt.is_some() {
                    self.surface.notice("the new prompt was not taken: say it again when that turn is over");
                }
                return Ok(watched.exit());
            }
            Watched::Over(exit) => exit,
        };
        let watched = match prompt {
            None => self.lines(exit).await?,
            Some(prompt) => self.turn(prompt).await?,
        };
        if let Watched::Over(_) = watched {
            linger(self.house, self.desk.others(), &mut *self.surface, &mut self.interrupts).await;
        }
        Ok(watched.exit())
    }

    /// Turns that were under way when an earlier process died come first, in order.
    async fn interrupted(&mut self, mut told: Receiver<Told>) -> Watched {
        for session in self.desk.elsewhere() {
            let more = format!(
                "a turn that was interrupted goes on in session {session}: `--session {session}` shows it"
            );
            self.surface.notice(&more);
        }
        let mut exit = Exit::Answered;
        for turn in self.desk.interrupted() {
            self.surface.notice("finishing the turn that was interrupted");
            match self.watch(turn, &mut told).await {
                watched @ (Watched::Left | Watched::Waiting) => return watched,
                Watched::Over(how) => exit = how,
            }
        }
        Watched::Over(exit)
    }

    async fn turn(&mut self, prompt: String) -> Result<Watched, Failure> {
        let mut told = self.house.engine.listen();
        let (turn, starting) = self.desk.begin(prompt, std::mem::take(&mut self.attached))?;
        let run = match starting.await {
            Ok(run) => run,
            Err(fault) => return Err(self.unstarted(&fault)),
        };
        Ok(self.watch(UnderWay { turn, run, rounds: 0 }, &mut told).await)
    }

    /// Why a turn could not begin. A run says that the journal is gone; the engine knows why it is.
    fn unstarted(&self, fault: &engine::Fault) -> Failure {
        let halted = self.house.engine.halted().now_or_never().flatten();
        halted.map_or_else(|| Failure::other(fault.to_string()), Failure::storage)
    }

    async fn watch(
        &mut self,
        UnderWay { turn, run, rounds }: UnderWay,
        told: &mut Receiver<Told>,
    ) -> Watched {
        let report = Report::new(&mut self.reporter, turn, rounds);
        let person = self.lines.as_mut().map_or(Person::Nobody, Person::Types);
        let watch = Watch {
            store: &self.house.store,
            surface: &mut *self.surface,
            report,
            run,
            told,
            person,
            asked: None,
        };
        watch.until_it_ends(&mut self.interrupts).await
    }

    /// One prompt per line. The exit code is that of the last turn.
    async fn lines(&mut self, before: Exit) -> Result<Watched, Failure> {
        let mut exit = before;
        self.greet();
        loop {
            self.ask();
            let line = tokio::select! {
                line = next_line(&mut self.lines) => line,
                () = self.interrupts.next() => {
                    self.leave();
                    return Ok(Watched::Left);
                }
                Some(fault) = self.house.engine.halted() => return Err(Failure::storage(fault)),
            };
            match line {
                None => {
                    self.leave();
                    return Ok(Watched::Over(exit));
                }
                Some(Line::Refused(failure)) => {
                    self.surface.notice(&failure.to_string());
                    exit = failure.exit();
                }
                Some(Line::Prompt(text)) if text.is_empty() => {}
                Some(Line::Prompt(text)) => match self.turn(text).await? {
                    // Nobody reads what further turns would cost.
                    watched @ Watched::Over(_) if self.surface.broken().is_some() => return Ok(watched),
                    Watched::Over(how) => exit = how,
                    watched @ (Watched::Left | Watched::Waiting) => return Ok(watched),
                },
            }
        }
    }

    /// A person is told once what is here.
    fn greet(&self) {
        if is_typed() {
            let Selection { provider, model } = &self.house.config.selection;
            let session = self.desk.session();
            let _ = writeln!(
                io::stderr(),
                "{provider}/{model} in session {session} (Ctrl-C cancels a turn, Ctrl-D ends)"
            );
        }
    }

    /// A person is shown where to type; a pipe is not.
    fn ask(&self) {
        if is_typed() {
            let _ = write!(io::stderr(), "> ").and_then(|()| io::stderr().flush());
        }
    }

    /// What the shell says next does not stand behind our sign.
    fn leave(&self) {
        if is_typed() {
            let _ = writeln!(io::stderr());
        }
    }
}

/// Whether a person types and reads.
fn is_typed() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The next line of who types; nobody types no more.
async fn next_line(lines: &mut Option<mpsc::Receiver<Line>>) -> Option<Line> {
    match lines {
        Some(lines) => lines.recv().await,
        None => None,
    }
}
