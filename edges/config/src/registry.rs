//! The providers that a configuration names, and where their keys come from. It reads no environment: the variables are
//! handed in. A key that is blank is no key, wherever it stands.
use crate::{
    Api, Caps, Place, Problem, Provider, Server, Timeouts,
    api::BUILT_IN,
    check::Value,
    credential::{Found, Reference},
    written::Written,
};
use http::{Header, Secret, Url};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where the entries are.
pub(crate) const REGISTRY: [&str; 2] = ["providers", "registry"];

/// The variable for whoever has one key. Too many programs read it for it to choose a provider.
const ANY_KEY: &str = "API_KEY";

/// What is written about providers.
pub(crate) struct Registry<'a> {
    pub(crate) written: &'a Written,
    pub(crate) variables: &'a [(OsString, OsString)],
    /// The user's own keys, by entry.
    pub(crate) credentials: &'a BTreeMap<String, Found>,
    /// Where paths begin.
    pub(crate) home: &'a Path,
}

impl<'a> Registry<'a> {
    /// The names of all entries, the built-in ones included.
    pub(crate) fn names(&self) -> BTreeSet<&'a str> {
        let written = self.written.below(&REGISTRY).filter_map(|(rest, _)| rest.first().map(String::as_str));
        written.chain(BUILT_IN.map(Api::word)).collect()
    }

    /// The entry whose own key is there, so that it is chosen when nothing else is said: the built-in ones before others.
    pub(crate) fn keyed(&self) -> Option<&'a str> {
        let built_in = BUILT_IN.map(Api::word);
        let others = self.names().into_iter().filter(|name| !built_in.contains(name));
        let has_key = |name: &&str| {
            let Ok(api) = self.api(name) else { return false };
            // Whoever points the entry elsewhere still means it; whether the key goes there is another question.
            let by_custom = || self.variable(api.key_variable()).is_some();
            self.own_key(name).is_some() || built_in.contains(name) && by_custom()
        };
        built_in.into_iter().chain(others).find(has_key)
    }

    /// Entries whose custom variable is set and not sent, since they are elsewhere and do not name it.
    pub(crate) fn withheld(&self) -> Vec<(&'static str, String)> {
        let withheld = |name: &&str| {
            let api = self.api(name).ok()?;
            let is_set = self.variable(api.key_variable()).is_some();
            let is_withheld = is_set && !self.is_owners(name, api) && self.own_key(name).is_none();
            is_withheld.then(|| (api.key_variable(), (*name).to_owned()))
        };
        self.names().iter().filter_map(withheld).collect()
    }

    /// Entries whose names cannot be told from `provider/model`.
    pub(crate) fn misnamed(&self) -> Vec<Problem> {
        let is_wrong = |name: &&str| name.trim().is_empty() || name.contains('/');
        let problem = |name| Problem::Conflict {
            key: crate::keys::written(&[REGISTRY[0], REGISTRY[1], name].map(str::to_owned)),
            place: self.place(name, ""),
            why: "called by a name that is not blank and has no `/`: `provider/model` names a model of it"
                .to_owned(),
        };
        self.names().into_iter().filter(is_wrong).map(problem).collect()
    }

    /// Entries that name a variable for their key which is not set, and have no other key.
    pub(crate) fn unset(&self) -> Vec<(String, Place)> {
        let is_unset = |name: &&str| {
            let named = self.text(name, "api_key_env");
            named.is_some_and(|variable| self.variable(variable).is_none()) && self.own_key(name).is_none()
        };
        let found = |name: &str| (name.to_owned(), self.place(name, "api_key_env"));
        self.names().into_iter().filter(is_unset).map(found).collect()
    }

    /// Resolves an entry.
    pub(crate) fn provider(&self, name: &str, key: &str, place: &Place) -> Result<Provider, Problem> {
        if !self.names().contains(name) {
            return Err(self.unknown(name, key, place));
        }
        let api = self.api(name)?;
        let server = self.server(name, api)?;
        if server.is_owners() && !server.has_key() {
            // The entry, if it is written; else whoever chose it.
            let written = Some(self.place(name, "")).filter(|written| *written != Place::Default);
            let place = written.unwrap_or_else(|| place.clone());
            let variables = self.key_variables(name, api);
            return Err(Problem::NoKey { provider: name.to_owned(), place, variables });
        }
        Ok(Provider::Server(Box::new(server)))
    }

    pub(crate) fn unknown(&self, name: &str, key: &str, place: &Place) -> Problem {
        // It may be chosen, and stands in for nobody.
        let rehearsal = (key == "selection.provider").then_some("rehearsal");
        let names: Vec<String> = rehearsal.into_iter().chain(self.names()).map(str::to_owned).collect();
        Problem::NoSuchProvider {
            key: key.to_owned(),
            provider: name.to_owned(),
            place: place.clone(),
            names,
        }
    }

    fn server(&self, name: &str, api: Api) -> Result<Server, Problem> {
        let base_url = self.base_url(name, api);
        let catalog_provider = self.text(name, "catalog_provider").map(str::to_owned);
        let is_owners = base_url.host() == api.own_host();
        if let Some(problem) = self.file_problem(name) {
            return Err(problem);
        }
        let key = self.key(name, api);
        if key.as_ref().is_some_and(|key| http::Header::bearer(key).is_err()) {
            return Err(Problem::BadHeader {
                key: format!("providers.registry.{name}.api_key"),
                place: self.place(name, "api_key"),
                why: "the key holds characters that a header cannot hold, wherever it comes from".to_owned(),
            });
        }
        Ok(Server {
            name: name.to_owned(),
            api,
            key,
            key_file: self.renewed(name),
            headers: self.headers(name)?,
            timeouts: self.timeouts(name),
            caps: self.caps(name),
            catalog_provider: catalog_provider
                .or_else(|| is_owners.then(|| api.catalog_provider().to_owned())),
            base_url,
            tariff: None,
        })
    }

    fn timeouts(&self, name: &str) -> Timeouts {
        let seconds = |field| self.written.seconds(&path(name, field));
        Timeouts {
            connect: seconds("connect_timeout_secs"),
            head: seconds("head_timeout_secs"),
            idle: seconds("idle_timeout_secs"),
            total: seconds("total_timeout_secs"),
        }
    }

    fn caps(&self, name: &str) -> Caps {
        caps_at(self.written, &path(name, ""))
    }

    /// What an entry speaks: what it says, or what it is called.
    pub(crate) fn api(&self, name: &str) -> Result<Api, Problem> {
        let by_name = || BUILT_IN.into_iter().find(|api| api.word() == name);
        let said = self.text(name, "provider_type").and_then(Api::parse);
        said.or_else(by_name)
            .ok_or_else(|| Problem::NoType { provider: name.to_owned(), place: self.place(name, "") })
    }

    fn base_url(&self, name: &str, api: Api) -> Url {
        let text = self.text(name, "base_url").unwrap_or(api.own_url());
        Url::parse(text).expect("addresses are checked where they are read")
    }

    fn is_owners(&self, name: &str, api: Api) -> bool {
        self.base_url(name, api).host() == api.own_host()
    }

    /// The entry's key; for the API's owner also what the variables of custom hold. Whoever else answers at an address is
    /// not sent the owner's key unless the entry names its variable.
    fn key(&self, name: &str, api: Api) -> Option<Secret> {
        let by_custom = || {
            let known = self.variable(api.key_variable()).or_else(|| self.variable(ANY_KEY));
            known.filter(|_| self.is_owners(name, api))
        };
        self.own_key(name).or_else(by_custom)
    }

    fn own_key(&self, name: &str) -> Option<Secret> {
        let in_file = || self.in_file(self.key_file(name)?).ok();
        let named = || self.variable(self.text(name, "api_key_env")?);
        self.before_file(name).or_else(in_file).or_else(named)
    }

    /// What is wrong with the file that an entry names for its key, if that is where its key would come from.
    pub(crate) fn file_problem(&self, name: &str) -> Option<Problem> {
        let path = self.key_file(name).filter(|_| self.before_file(name).is_none())?;
        let why = self.in_file(path).err()?;
        let key = format!("providers.registry.{name}.api_key_file");
        Some(Problem::NoCredential { key, place: self.place(name, "api_key_file"), why })
    }

    /// The file that the key comes from, if it comes from one: the user's own before the entry's. What is written out needs no
    /// renewing.
    fn renewed(&self, name: &str) -> Option<PathBuf> {
        match (self.credentials.get(name), self.before_file(name)) {
            (Some(of_user), _) => of_user.file.clone(),
            (None, Some(_)) => None,
            (None, None) => self.key_file(name).map(|path| self.home.join(path)),
        }
    }

    fn before_file(&self, name: &str) -> Option<Secret> {
        let of_user = self.credentials.get(name).map(|found| found.secret.clone());
        of_user.or_else(|| self.text(name, "api_key").and_then(Secret::new))
    }

    /// As it is written.
    fn key_file(&self, name: &str) -> Option<PathBuf> {
        self.text(name, "api_key_file").map(PathBuf::from)
    }

    fn in_file(&self, path: PathBuf) -> Result<Secret, String> {
        Reference::File(path).resolve(self.home, self.variables).map(|found| found.secret)
    }

    fn key_variables(&self, name: &str, api: Api) -> Vec<String> {
        let own = self.text(name, "api_key_env").map(str::to_owned);
        own.into_iter().chain([api.key_variable().to_owned(), ANY_KEY.to_owned()]).collect()
    }

    fn headers(&self, name: &str) -> Result<Vec<Header>, Problem> {
        let at = [REGISTRY[0], REGISTRY[1], name, "extra_headers"];
        let headers = self.written.below(&at).filter_map(|(rest, setting)| {
            let Value::Text(value) = &setting.value else { return None };
            Some(Header::new(rest.first()?, value.trim()).map_err(|bad| Problem::BadHeader {
                key: crate::keys::written(&setting.path),
                place: setting.place.clone(),
                why: bad.to_string(),
            }))
        });
        headers.collect()
    }

    /// The models that an entry falls back to, and where that is written.
    pub(crate) fn fallback(&self, name: &str) -> (&'a [String], Place) {
        let texts = self.written.texts(&path(name, "fallback")).unwrap_or_default();
        (texts, self.place(name, "fallback"))
    }

    fn text(&self, name: &str, field: &str) -> Option<&'a str> {
        self.written.text(&path(name, field)).filter(|text| !text.is_empty())
    }

    /// Where a field of an entry is written, or the first of all its fields.
    fn place(&self, name: &str, field: &str) -> Place {
        let at = [REGISTRY[0], REGISTRY[1], name];
        let exactly = self.written.get(&path(name, field)).map(|setting| &setting.place);
        let mut all: Vec<&Place> = self.written.below(&at).map(|(_, setting)| &setting.place).collect();
        all.sort_by_key(|place| match place {
            Place::File { line, .. } => *line,
            Place::Variable(_) | Place::Flag(_) | Place::Default => usize::MAX,
        });
        exactly.or(all.first().copied()).cloned().unwrap_or(Place::Default)
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        let (_, value) = self.variables.iter().find(|(known, _)| known == name)?;
        Secret::new(value.to_str()?)
    }
}

fn path<'p>(name: &'p str, field: &'p str) -> [&'p str; 4] {
    [REGISTRY[0], REGISTRY[1], name, field]
}

/// What is written of a model's abilities in the table that `at` begins with; its last name is replaced.
pub(crate) fn caps_at(written: &Written, at: &[&str]) -> Caps {
    let table = &at[..at.len() - 1];
    let field = |name: &'static str| table.iter().copied().chain([name]).collect::<Vec<_>>();
    let tokens = |name| written.tokens(&field(name));
    let switch = |name| written.switch(&field(name));
    Caps {
        context_tokens_max: tokens("max_context_tokens"),
        input_tokens_max: tokens("max_input_tokens"),
        answer_tokens_max: tokens("max_output_tokens"),
        reasoning: switch("reasoning"),
        attachment: switch("attachment"),
        tool_call: switch("tool_call"),
        structured_output: switch("structured_output"),
        temperature: switch("temperature"),
        input_modalities: written.texts(&field("input_modalities")).map(<[String]>::to_vec),
    }
}

#[cfg(test)]
mod tests;
