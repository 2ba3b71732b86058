//! Asks the model and waits for its answer. Never looks inside the calls it makes: that is `judging`.
use crate::{Answered, Judging, Talk, Tally, Turn};
use domain::{
    Collector, Finish, Fragment, Message, ModelFault, Progress, Question, Tokens, ToolCall, Turns, Usage, UsageSpent,
    whole,
};
use durable::{Amount, FactId, durable};
use engine::{Ticket, prelude::*};
use futures::StreamExt;

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
}

/// What is kept of an answer: its text is in the session, so the cursor stands for it.
#[durable]
#[derive(Debug)]
struct Heard {
    said: FactId,
    calls: Vec<ToolCall>,
    finish: Finish,
    usage: Usage,
}

impl Step for Asking {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let (asking, cx) = (&self, &*cx);
        let hold = cx.hold(Amount::from(Turns(1)) + cx.env.model.limits().answer_tokens_max.into())?;
        let heard = cx.effect("answer", hold, |ticket| asking.ask(cx, ticket)).await?;
        let Heard { said, calls, finish, usage } = heard;
        let tally = self.tally.and(usage);
        if calls.is_empty() {
            return go(Answered { talk: self.talk, said, finish, tally });
        }
        go(Judging { talk: self.talk, calls, tally })
    }
}

impl Asking {
    async fn ask(&self, cx: &Cx<Turn>, ticket: Ticket) -> Result<Settled<Heard>, Fault> {
        let attempt = ticket.attempt();
        cx.tell(Progress::Asking { round: self.tally.rounds + 1, attempt });
        let mut answer = cx.env.model.ask(self.question(cx, &ticket).await?);
        let mut collector = Collector::default();
        while let Some(fragment) = answer.next().await {
            let fragment = fragment.map_err(fault)?;
            match &fragment {
                Fragment::Text(text) => cx.tell(Progress::Text(text.clone())),
                Fragment::Reasoning(text) => cx.tell(Progress::Reasoning(text.clone())),
                Fragment::Call { .. } | Fragment::Usage(_) | Fragment::Finish(_) => {}
            }
            collector.take(fragment);
        }
        let answer = collector.finish().map_err(Fault::retry)?;
        if let (Finish::Refused(why), true) = (&answer.finish, answer.calls.is_empty() && answer.text.is_empty()) {
            return Err(Fault::fatal(ModelFault::Refused(why.clone())));
        }
        if answer.calls.is_empty() && answer.text.is_empty() {
            return Err(Fault::retry(ModelFault::Broken("it said nothing and called nothing".to_owned())));
        }
        let usage = answer.usage.unwrap_or_default();
        let said = Message::Assistant { text: answer.text, calls: answer.calls.clone() };
        Ok(Settled::new(Heard { said: ticket.fact(0), calls: answer.calls, finish: answer.finish, usage })
            .spent(charge(usage))
            .fact(&self.talk.said(cx.at(), said))
            .fact(&self.usage(cx, attempt, usage)))
    }

    async fn question(&self, cx: &Cx<Turn>, ticket: &Ticket) -> Result<Question, Fault> {
        let env = &cx.env;
        let said = env.conversation.upto(&self.talk.session, self.upto).await.map_err(Fault::retry)?;
        Ok(Question {
            session: self.talk.session.clone(),
            instructions: env.instructions.clone(),
            messages: whole(said.into_iter().map(|said| said.message).collect()),
            tools: env.tools.specs(),
            answer_tokens_max: env.model.limits().answer_tokens_max,
            key: ticket.key(),
            attempt: ticket.attempt(),
        })
    }

    fn usage(&self, cx: &Cx<Turn>, attempt: u32, usage: Usage) -> UsageSpent {
        UsageSpent {
            session: self.talk.session.clone(),
            turn: self.talk.turn.clone(),
            at: cx.at(),
            model: cx.env.model.id().to_owned(),
            attempt,
            usage,
        }
    }
}

fn charge(usage: Usage) -> Amount {
    let tokens = Tokens(usage.input.0.saturating_add(usage.output.0));
    Amount::from(Turns(1)) + tokens.into() + usage.cost.into()
}

fn fault(fault: ModelFault) -> Fault {
    match fault {
        ModelFault::Refused(_) => Fault::fatal(fault),
        ModelFault::Unavailable { .. } | ModelFault::Broken(_) => Fault::retry(fault),
    }
}
