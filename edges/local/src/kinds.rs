//! What servers say of themselves and their models, read without asking anybody. What is not said stays unknown: a figure
//! that a model was trained with is none that its server gives it.
use domain::Tokens;
use serde_json::Value;

/// A model as a list names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Listed {
    pub(crate) model: String,
    pub(crate) context: Option<Tokens>,
    pub(crate) calls_tools: Option<bool>,
    /// Whether it is in memory: the quickest to answer.
    pub(crate) is_loaded: bool,
}

fn tokens(value: &Value) -> Option<Tokens> {
    value.as_u64().filter(|tokens| *tokens > 0).map(Tokens)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn has(list: &Value, word: &str) -> Option<bool> {
    Some(list.as_array()?.iter().any(|item| item == word))
}

/// The models of Ollama: those it has, and what those in memory were given.
pub(crate) fn ollama(tags: &Value, running: &Value) -> Vec<Listed> {
    let name = |model: &Value| text(&model["model"]).or_else(|| text(&model["name"]));
    let models = |list: &Value| list["models"].as_array().cloned().unwrap_or_default();
    let running: Vec<_> = models(running)
        .iter()
        .filter_map(|model| Some((name(model)?, tokens(&model["context_length"]))))
        .collect();
    let tags = models(tags);
    let listed = tags.iter().filter_map(name).map(|model| {
        let loaded = running.iter().find(|(name, _)| *name == model);
        Listed {
            context: loaded.and_then(|(_, context)| *context),
            is_loaded: loaded.is_some(),
            calls_tools: None,
            model,
        }
    });
    listed.collect()
}

/// What Ollama shows of one model: what it can do, and the window that its file asks for.
pub(crate) fn ollama_show(shown: &Value) -> (Option<Tokens>, Option<bool>) {
    let parameters = shown["parameters"].as_str().unwrap_or_default();
    let asked = parameters.lines().find_map(|line| line.trim().strip_prefix("num_ctx"));
    let context = asked.and_then(|number| number.trim().parse().ok()).filter(|n: &u64| *n > 0).map(Tokens);
    (context, has(&shown["capabilities"], "tools"))
}

/// What the server of llama.cpp says of the one model that it has; `None` when this is not it.
pub(crate) fn llama_cpp(props: &Value) -> Option<Listed> {
    let settings = props["default_generation_settings"].as_object()?;
    let template = props["chat_template"].as_str();
    let calls_tools = props["chat_template_caps"]["supports_tools"]
        .as_bool()
        .or_else(|| props["chat_template_caps"]["supports_tool_calls"].as_bool())
        // A template that never speaks of tools shows a model none.
        .or_else(|| template.filter(|template| !template.contains("tool")).map(|_| false));
    let context = settings.get("n_ctx").and_then(tokens);
    Some(Listed { model: String::new(), context, calls_tools, is_loaded: true })
}

/// The models of LM Studio; `None` when this is not it.
pub(crate) fn lm_studio(models: &Value) -> Option<Vec<Listed>> {
    let models = models["data"].as_array()?;
    if !models.iter().any(|model| model["max_context_length"].is_u64()) {
        return None;
    }
    let talks = |model: &&Value| matches!(model["type"].as_str(), None | Some("llm" | "vlm"));
    let listed = models.iter().filter(talks).filter_map(|model| {
        Some(Listed {
            model: text(&model["id"])?,
            context: tokens(&model["loaded_context_length"]),
            calls_tools: has(&model["capabilities"], "tool_use"),
            is_loaded: model["state"] == "loaded",
        })
    });
    Some(listed.collect())
}

/// The models of whatever lists them as OpenAI does; some say how long a conversation may be.
pub(crate) fn open_ai(models: &Value) -> Vec<Listed> {
    let listed = models["data"].as_array().into_iter().flatten().filter_map(|model| {
        let context = ["max_model_len", "context_length", "context_window"]
            .iter()
            .find_map(|name| tokens(&model[*name]));
        Some(Listed { model: text(&model["id"])?, context, calls_tools: None, is_loaded: false })
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listed(model: &str, context: Option<u64>, calls_tools: Option<bool>, is_loaded: bool) -> Listed {
        Listed { model: model.into(), context: context.map(Tokens), calls_tools, is_loaded }
    }

    #[test]
    fn ollama_tells_what_a_loaded_model_was_given_and_not_what_it_was_trained_with() {
        let tags = json!({"models": [{"name": "qwen3:8b", "model": "qwen3:8b"}, {"name": "gemma3:4b"}, {"size": 3}]});
        let running = json!({"models": [{"model": "qwen3:8b", "context_length": 8192}]});
        assert_eq!(
            ollama(&tags, &running),
            [listed("qwen3:8b", Some(8192), None, true), listed("gemma3:4b", None, None, false)]
        );
        assert_eq!(ollama(&json!("what"), &json!(null)), []);
        let shown = json!({"capabilities": ["completion", "tools"], "parameters": "stop \"<|im_end|>\"\nnum_ctx                        16384\n",
            "model_info": {"qwen3.context_length": 40960}});
        assert_eq!(ollama_show(&shown), (Some(Tokens(16384)), Some(true)));
        assert_eq!(
            ollama_show(&json!({"capabilities": ["completion"], "model_info": {"x.context_length": 9}})),
            (None, Some(false))
        );
        assert_eq!(ollama_show(&json!({"error": "no such model"})), (None, None));
    }

    #[test]
    fn llama_cpp_tells_its_slot() {
        let props = |caps: Value, template: &str| json!({"default_generation_settings": {"n_ctx": 6144}, "chat_template": template, "chat_template_caps": caps});
        let found = |props: &Value| llama_cpp(props).map(|listed| (listed.context, listed.calls_tools));
        assert_eq!(
            found(&props(json!({"supports_tools": true}), "x")),
            Some((Some(Tokens(6144)), Some(true)))
        );
        assert_eq!(found(&props(json!(null), "{{ tools }}")), Some((Some(Tokens(6144)), None)));
        assert_eq!(found(&props(json!(null), "{{ messages }}")), Some((Some(Tokens(6144)), Some(false))));
        assert_eq!(found(&json!({"default_generation_settings": {"n_ctx": 0}})), Some((None, None)));
        assert_eq!(found(&json!({"error": 404})), None);
    }

    #[test]
    fn lm_studio_tells_what_is_loaded() {
        let models = json!({"data": [
            {"id": "embed", "type": "embeddings", "max_context_length": 2048, "state": "not-loaded"},
            {"id": "a", "type": "llm", "max_context_length": 131072, "state": "not-loaded"},
            {"id": "b", "type": "vlm", "max_context_length": 131072, "loaded_context_length": 4096, "state": "loaded", "capabilities": ["tool_use"]},
        ]});
        assert_eq!(
            lm_studio(&models),
            Some(vec![listed("a", None, None, false), listed("b", Some(4096), Some(true), true)])
        );
        assert_eq!(lm_studio(&json!({"data": [{"id": "gpt"}]})), None);
        assert_eq!(lm_studio(&json!("no")), None);
    }

    #[test]
    fn others_may_tell_how_long_a_conversation_may_be() {
        let models = json!({"data": [{"id": "a", "max_model_len": 32768}, {"id": "b"}, {"object": "model"}]});
        assert_eq!(open_ai(&models), [listed("a", Some(32768), None, false), listed("b", None, None, false)]);
        assert_eq!(open_ai(&json!([])), []);
    }
}
