//! Makes money of what a model used. A server that says what a call cost is believed.
use domain::{Fragment, MicroUsd, Model, ModelFault, ModelLimits, Question, Tariff, Usage};
use futures::{StreamExt, stream::BoxStream};
use std::sync::Arc;

/// A model whose use costs something.
pub struct Priced {
    model: Arc<dyn Model>,
    tariff: Tariff,
}

impl Priced {
    /// Charges the use of `model` at these prices.
    pub fn new(model: Arc<dyn Model>, tariff: Tariff) -> Priced {
        Priced { model, tariff }
    }
}

impl Model for Priced {
    fn id(&self) -> &str {
        self.model.id()
    }
    fn limits(&self) -> ModelLimits {
        self.model.limits()
    }
    fn ask(&self, question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let tariff = self.tariff.clone();
        let priced = move |usage: Usage| match usage.cost {
            MicroUsd(0) => Usage { cost: tariff.of(&usage), ..usage },
            MicroUsd(_) => usage,
        };
        let charged = move |fragment| match fragment {
            Fragment::Usage(usage) => Fragment::Usage(priced(usage)),
            other @ (Fragment::Text(_) | Fragment::Reasoning(_) | Fragment::Call { .. }) => other,
            other @ (Fragment::Model(_) | Fragment::State(_) | Fragment::Finish(_)) => other,
        };
        self.model.ask(question).map(move |fragment| fragment.map(&charged)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::{question, user};
    use domain::{Prices, Tokens};
    use futures::stream;

    /// Has used what its test says.
    struct Used(Usage);
    impl Model for Used {
        fn id(&self) -> &str {
            "used"
        }
        fn limits(&self) -> ModelLimits {
            ModelLimits { context_tokens_max: Tokens(1), answer_tokens_max: Tokens(1) }
        }
        fn ask(&self, _: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
            stream::iter([Ok(Fragment::Text("so".into())), Ok(Fragment::Usage(self.0))]).boxed()
        }
    }

    #[tokio::test]
    async fn a_use_is_charged_unless_its_server_says_what_it_cost() {
        let base = Prices { input: MicroUsd(2_000_000), output: MicroUsd(8_000_000), ..Prices::default() };
        let prices = Tariff { base, above: Vec::new() };
        let usage =
            |cost| Usage { input: Tokens(10), output: Tokens(5), cost: MicroUsd(cost), ..Usage::default() };
        for (said, charged) in [(0, 60), (7, 7)] {
            let model = Priced::new(Arc::new(Used(usage(said))), prices.clone());
            let answer: Vec<_> = model.ask(question(vec![user("hi")])).collect().await;
            assert_eq!(answer, [Ok(Fragment::Text("so".into())), Ok(Fragment::Usage(usage(charged)))]);
        }
    }
}
