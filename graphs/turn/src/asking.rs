//! Asks the model and waits for its answer. Never looks inside the calls it makes: that is `judging`.
use crate::{Answered, Judging, Misfit, Misfitting, Talk, Tally, Turn};
use domain::{
    Answer, Collector, Finish, Fragment, Gauge, Message, MicroUsd, ModelFault, Progress, Question, Tokens,
    ToolCall, Turns, Unreadable, Usage, UsageSpent, whole,
};
use durable::{Amount, FactId, durable};
use engine::{Name, Ticket, prelude::*};
use futures::{StreamExt, stream::BoxStream};

/// The model is being asked.
#[state]
#[derive(Debug, PartialEq)]
pub struct Asking {
    /// Which conversation.
    pub talk: Talk,
    /// The history that the model is shown ends here.
    pub upto: FactId,
    /// How far the turn has come.
    pub tally: Tally,
    /// What was wrong with the answer before, if the model is asked for another one.
    pub misfit: Option<Misfit>,
}

/// What is kept of an answer: its text is in the session, so the cursor stands for it.
#[durable]
#[derive(Debug)]
struct Heard {
    said: FactId,
    calls: Vec<ToolCall>,
    finish: Finish,
    /// What is wrong with it, where it has not the form that was wanted. Found once, when it was heard: what a later process is
    /// told to want changes no answer that stands.
    misfit: Option<String>,
    usage: Usage,
}

/// What was journalled before answers were held against a form.
pub(crate) mod v2 {
    use crate::{Talk, Tally};
    use domain::{Finish, ToolCall, Usage};
    use durable::{FactId, durable};
    use engine::prelude::*;

    /// The model is being asked.
    #[state]
    pub struct Asking {
        /// Which conversation.
        pub talk: Talk,
        /// The history that the model is shown ends here.
        pub upto: FactId,
        /// How far the turn has come.
        pub tally: Tally,
    }

    /// What is kept of an answer.
    #[durable]
    pub(crate) struct Heard {
        pub(crate) said: FactId,
        pub(crate) calls: Vec<ToolCall>,
        pub(crate) finish: Finish,
        pub(crate) usage: Usage,
    }
}

impl From<v2::Asking> for Asking {
    fn from(v2::Asking { talk, upto, tally }: v2::Asking) -> Asking {
        Asking { talk, upto, tally, misfit: None }
    }
}

impl From<v2::Heard> for Heard {
    fn from(v2::Heard { said, calls, finish, usage }: v2::Heard) -> Heard {
        Heard { said, calls, finish, misfit: None, usage }
    }
}

/// So often a view that is behind is waited for once more: each wait is bounded, and a rebuild takes a few of them.
const READS_MAX: u32 = 6;

/// So much has to be left on the money meter for a call: what it really costs is known when it is over.
const PRICE_MIN: MicroUsd = MicroUsd(1);

impl Step for Asking {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let (asking, cx) = (&self, &*cx);
        let hold = cx.hold(Amount::from(Turns(1)) + answer_tokens_max(cx).into() + PRICE_MIN.into())?;
        let name = Name::from("answer").was::<v2::Heard, Heard>();
        let heard = cx.effect(name, hold, |ticket| asking.attempt(cx, ticket)).await?;
        let Heard { said, calls, finish, misfit, usage } = heard;
        let tally = self.tally.and(usage);
        if let Some(why) = misfit {
            let misfit = Misfit::after(self.misfit.as_ref(), why);
            return go(Misfitting { talk: self.talk, said, misfit, tally });
        }
        if calls.is_empty() {
            return go(Answered { talk: self.talk, said, finish, tally });
        }
        go(Judging { talk: self.talk, calls, tally })
    }
}

impl Asking {
    /// Reads the history. It is read within the effect, behind its barrier: before that, of parallel calls the last
    /// could be read without the first, and one of them would seem unanswered.
    async fn history(&self, cx: &Cx<Turn>) -> Result<Vec<Message>, Fault> {
        let read = || cx.env.conversation.upto(&self.talk.session, self.upto);
        let mut said = read().await;
        for _ in 1..READS_MAX {
            match said {
                // Waited for here: a view that is behind must not use up an attempt and what it holds.
                Err(Unreadable::Behind(_)) => said = read().await,
                Ok(_) | Err(Unreadable::Broken(_)) => break,
            }
        }
        let said = said.map_err(Fault::retry)?;
        let mut history = whole(said.into_iter().map(|said| said.message).collect());
        history.extend(self.misfit.as_ref().map(Misfit::message));
        Ok(history)
    }

    /// Asks once, and tells of an attempt that came to nothing.
    async fn attempt(&self, cx: &Cx<Turn>, ticket: Ticket) -> Result<Settled<Heard>, Fault> {
        let attempt = ticket.attempt();
        let heard = self.ask(cx, ticket).await;
        if let Err(fault @ Fault::Retry { wait, .. }) = &heard {
            cx.tell(Progress::Failed { attempt, why: fault.to_string(), wait: *wait });
        }
        heard
    }

    async fn ask(&self, cx: &Cx<Turn>, ticket: Ticket) -> Result<Settled<Heard>, Fault> {
        let attempt = ticket.attempt();
        let history = self.history(cx).await?;
        cx.tell(Progress::Asking { round: self.tally.rounds + 1, attempt });
        let stream = cx.env.model.ask(self.question(cx, history, &ticket));
        let answer = usable(hear(cx, stream).await?)?;
        let misfit = misfit(&answer, &*cx.env.gauge)?;
        let Answer { text, calls, finish, usage, model, state } = answer;
        let used = usage.unwrap_or_default();
        let said = Message::Assistant { text, calls: calls.clone(), state };
        let heard = Settled::new(Heard { said: ticket.fact(0), calls, finish, misfit, usage: used })
            .fact(&self.talk.said(cx.at(), said))
            .fact(&self.usage(cx, attempt, model, used));
        // A model that does not say what it used has used all that was held.
        Ok(usage.map(charge).into_iter().fold(heard, Settled::spent))
    }

    fn question(&self, cx: &Cx<Turn>, history: Vec<Message>, ticket: &Ticket) -> Question {
        Question {
            session: self.talk.session.clone(),
            instructions: cx.env.instructions.clone(),
            messages: history,
            tools: cx.env.tools.specs(),
            answer_tokens_max: answer_tokens_max(cx),
            form: cx.env.form.clone(),
            key: ticket.key(),
            attempt: ticket.attempt(),
        }
    }

    fn usage(&self, cx: &Cx<Turn>, attempt: u32, model: Option<String>, usage: Usage) -> UsageSpent {
        UsageSpent {
            session: self.talk.session.clone(),
            turn: self.talk.turn.clone(),
            at: cx.at(),
            model: model.unwrap_or_else(|| cx.env.model.id().to_owned()),
            attempt,
            usage,
        }
    }
}

fn answer_tokens_max(cx: &Cx<Turn>) -> Tokens {
    cx.env.model.limits().answer_tokens_max
}

/// Hears an answer out, and passes on what a watcher wants to see at once.
async fn hear(
    cx: &Cx<Turn>,
    mut stream: BoxStream<'static, Result<Fragment, ModelFault>>,
) -> Result<Answer, Fault> {
    let mut collector = Collector::default();
    while let Some(fragment) = stream.next().await {
        let fragment = fragment.map_err(fault)?;
        match &fragment {
            Fragment::Text(text) => cx.tell(Progress::Text(text.clone())),
            Fragment::Reasoning(text) => cx.tell(Progress::Reasoning(text.clone())),
            Fragment::Model(model) => cx.tell(Progress::StandIn(model.clone())),
            Fragment::Call { .. } | Fragment::Usage(_) | Fragment::State(_) | Fragment::Finish(_) => {}
        }
        collector.take(fragment);
        if collector.is_spoilt() {
            break;
        }
    }
    collector.finish().map_err(Fault::retry)
}

/// Turns down what is whole and still no answer.
fn usable(answer: Answer) -> Result<Answer, Fault> {
    match (&answer.finish, answer.text.is_empty(), answer.calls.is_empty()) {
        (Finish::Refused(why), true, _) => Err(Fault::fatal(ModelFault::Refused(why.clone()))),
        // What was refused half way is shown as far as it goes; its calls are not carried out.
        (Finish::Refused(_), false, _) => Ok(Answer { calls: Vec::new(), ..answer }),
        (Finish::Stop | Finish::Calls, true, true) => {
            Err(Fault::retry(ModelFault::Broken("it said nothing and called nothing".to_owned())))
        }
        // It would use up all that it may write once more, and have nothing to show for it.
        (Finish::Length, true, true) => {
            Err(Fault::fatal("the model reached the limit of its answer before it said anything"))
        }
        (Finish::Stop | Finish::Calls | Finish::Length, _, _) => Ok(answer),
    }
}

/// What is wrong with an answer that should have a form. Words beside calls are no answer yet.
fn misfit(answer: &Answer, gauge: &dyn Gauge) -> Result<Option<String>, Fault> {
    let is_answer = answer.calls.is_empty();
    let Some(why) = is_answer.then(|| gauge.misfit(&answer.text)).flatten() else { return Ok(None) };
    match &answer.finish {
        Finish::Stop | Finish::Calls => Ok(Some(why)),
        Finish::Length => Ok(Some(format!("it reached the limit of an answer and was cut off there: {why}"))),
        // It would refuse again, and half a refusal is nothing of the form.
        Finish::Refused(why) => Err(Fault::fatal(ModelFault::Refused(why.clone()))),
    }
}

fn charge(usage: Usage) -> Amount {
    let tokens = Tokens(usage.input.0.saturating_add(usage.output.0));
    Amount::from(Turns(1)) + tokens.into() + usage.cost.into()
}

fn fault(fault: ModelFault) -> Fault {
    match fault {
        ModelFault::Refused(_) | ModelFault::Closed(_) => Fault::fatal(fault),
        ModelFault::Unavailable { retry_after: Some(wait), .. } => Fault::retry_after(fault, wait),
        ModelFault::Unreached { retry_after: Some(wait), .. } => Fault::retry_after(fault, wait).unspent(),
        ModelFault::Unreached { retry_after: None, .. } => Fault::retry(fault).unspent(),
        ModelFault::Unavailable { retry_after: None, .. } | ModelFault::Broken(_) => Fault::retry(fault),
    }
}
