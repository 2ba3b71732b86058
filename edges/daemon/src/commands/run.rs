//! `oxydra run`: one prompt, or one after the other, in one session.
use crate::{
    args::{Input, Run},
    desk::Desk,
    exit::{Exit, Failure},
    house::House,
    interrupt::Interrupts,
    prompt::{self, Line},
    surface::{JsonLines, Surface, Text},
    watch::{Reporter, Watch, Watched},
};
use domain::TurnId;
use engine::Told;
use std::io::{self, IsTerminal, Write};
use tokio::sync::broadcast::Receiver;
use turn::Turn;

/// Threads for turns: one thinks while another waits for its file.
const WORKERS: usize = 2;

pub(crate) fn run(run: Run) -> Result<Exit, Failure> {
    // Read before the home is opened: a prompt that cannot be used should leave no trace.
    let prompt = match &run.input {
        Input::Lines => None,
        Input::Text(text) => Some(prompt::checked(text.clone())?),
        Input::Piped => Some(prompt::piped(io::stdin().lock())?),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = runtime.map_err(Failure::other)?;
    let exit = runtime.block_on(talk(&run, prompt));
    // A turn that is left, or one of another session, must not keep the process: it goes on next time.
    runtime.shutdown_background();
    exit
}

async fn talk(run: &Run, prompt: Option<String>) -> Result<Exit, Failure> {
    let house = House::open(&run.home, &run.user, run.model.as_deref())?;
    let told = house.engine.listen();
    let mut surface: Box<dyn Surface> =
        if run.json { Box::new(JsonLines) } else { Box::new(Text::of_process()) };
    house.notices.iter().for_each(|notice| surface.notice(notice));
    let desk = Desk::sit(&house, &run.user, &run.session).await?;
    let reporter = Reporter::new(&run.user, &desk.session, house.config.runtime.max_turns.0);
    let mut talk = Talk { house: &house, desk, reporter, surface, interrupts: Interrupts::listen() };
    let exit = tokio::select! {
        exit = talk.all(prompt, told) => exit,
        Some(fault) = house.engine.halted() => Err(Failure::other(fault)),
    };
    house.engine.close();
    exit
}

struct Talk<'a> {
    house: &'a House,
    desk: Desk<'a>,
    reporter: Reporter,
    surface: Box<dyn Surface>,
    interrupts: Interrupts,
}

impl Talk<'_> {
    async fn all(&mut self, prompt: Option<String>, told: Receiver<Told>) -> Result<Exit, Failure> {
        let exit = match self.interrupted(told).await? {
            Watched::Left => return Ok(Exit::Cancelled),
            Watched::Over(exit) => exit,
        };
        match prompt {
            None => self.lines(exit).await,
            Some(prompt) => match self.turn(prompt).await? {
                Watched::Over(exit) => Ok(exit),
                Watched::Left => Ok(Exit::Cancelled),
            },
        }
    }

    /// Turns that were under way when an earlier process died come first, in order.
    async fn interrupted(&mut self, told: Receiver<Told>) -> Result<Watched, Failure> {
        let mut exit = Exit::Answered;
        for turn in self.desk.interrupted() {
            self.surface.notice("finishing the turn that was interrupted");
            match self.watch(turn, told.resubscribe()).await? {
                Watched::Left => return Ok(Watched::Left),
                Watched::Over(how) => exit = how,
            }
        }
        Ok(Watched::Over(exit))
    }

    async fn turn(&mut self, prompt: String) -> Result<Watched, Failure> {
        let told = self.house.engine.listen();
        let (turn, starting) = self.desk.begin(prompt)?;
        let run = starting.await.map_err(|fault| Failure::other(fault.to_string()))?;
        self.watch((turn, run), told).await
    }

    async fn watch(&mut self, turn: (TurnId, engine::Run<Turn>), told: Receiver<Told>) -> Result<Watched, Failure> {
        let watch = Watch::new(self.house, &mut self.reporter, &mut *self.surface, turn, told);
        watch.to_the_end(&mut self.interrupts).await
    }

    /// One prompt per line. The exit code is that of the last turn.
    async fn lines(&mut self, before: Exit) -> Result<Exit, Failure> {
        let (mut lines, mut exit) = (prompt::lines(), before);
        loop {
            self.ask();
            let line = tokio::select! {
                line = lines.recv() => line,
                () = self.interrupts.next() => return Ok(Exit::Cancelled),
            };
            match line {
                None => return Ok(exit),
                Some(Line::Refused(failure)) => {
                    self.surface.notice(&failure.to_string());
                    exit = failure.exit();
                }
                Some(Line::Prompt(text)) if text.trim().is_empty() => {}
                Some(Line::Prompt(text)) => match self.turn(text).await? {
                    Watched::Over(how) => exit = how,
                    Watched::Left => return Ok(Exit::Cancelled),
                },
            }
        }
    }

    /// A person is shown where to type; a pipe is not.
    fn ask(&self) {
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "> ").and_then(|()| io::stderr().flush());
        }
    }
}
