//! What stands after every layer has had its say: one setting per key, and where it was written.
use crate::{
    check::{Value, number, whole},
    layer::Setting,
};
use domain::Tokens;
use std::{collections::BTreeMap, time::Duration};

/// The settings that count, by path.
#[derive(Debug, Default)]
pub(crate) struct Written(BTreeMap<Vec<String>, Setting>);

impl Written {
    /// A later setting takes the place of an earlier one.
    pub(crate) fn put(&mut self, setting: Setting) {
        self.0.insert(setting.path.clone(), setting);
    }

    /// All of them, by path.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }

    /// The setting of a key.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Setting> {
        self.0.get(&path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    /// The settings below a path.
    pub(crate) fn below<'a>(
        &'a self,
        path: &'a [&'a str],
    ) -> impl Iterator<Item = (&'a [String], &'a Setting)> {
        self.0.iter().filter_map(move |(known, setting)| {
            let (head, rest) = known.split_at_checked(path.len())?;
            (head == path && !rest.is_empty()).then_some((rest, setting))
        })
    }

    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.value.text()
    }
    pub(crate) fn texts(&self, path: &[&str]) -> Option<&[String]> {
        self.get(path)?.value.texts()
    }
    pub(crate) fn switch(&self, path: &[&str]) -> Option<bool> {
        self.get(path)?.value.switch()
    }
    pub(crate) fn whole(&self, path: &[&str]) -> Option<u64> {
        whole(&self.get(path)?.value)
    }
    pub(crate) fn number(&self, path: &[&str]) -> Option<f64> {
        number(&self.get(path)?.value)
    }
    pub(crate) fn tokens(&self, path: &[&str]) -> Option<Tokens> {
        self.whole(path).map(Tokens)
    }
    pub(crate) fn seconds(&self, path: &[&str]) -> Option<Duration> {
        self.whole(path).map(Duration::from_secs)
    }

    /// A value that has a default.
    pub(crate) fn value(&self, key: &'static str) -> &Value {
        let path: Vec<&str> = key.split('.').collect();
        &self.get(&path).expect("a key with a default is always there").value
    }
}
