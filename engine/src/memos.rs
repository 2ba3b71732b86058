//! What is kept of the effects of one state, by name. Most states have one or two, so they lie side by side, and the
//! memory of one state serves the next. It keeps no order but that of the names.
use crate::standing::Memo;
use bincode::{Decode, Encode};

/// Effects by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Memos(Vec<(String, Memo)>);

impl Memos {
    pub(crate) fn get(&self, name: &str) -> Option<&Memo> {
        self.at(name).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Memo> {
        self.at(name).ok().map(|at| &mut self.0[at].1)
    }

    /// Keeps a memo instead of an earlier one of that name.
    pub(crate) fn insert(&mut self, name: String, memo: Memo) {
        match self.at(&name) {
            Ok(at) => self.0[at].1 = memo,
            Err(at) => self.0.insert(at, (name, memo)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Memo)> {
        self.0.iter().map(|(name, memo)| (name, memo))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Gives back the memory that nothing is in.
    pub(crate) fn shrink(&mut self) {
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    fn at(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Mode;

    #[test]
    fn a_name_is_kept_once_and_in_order() {
        let memo = |slot| Memo { slot, attempt: 1, mode: Mode::Repeat, result: None };
        let mut memos = Memos::default();
        for (slot, name) in (0..).zip(["send", "ask", "send/2", "ask"]) {
            memos.insert(name.to_owned(), memo(slot));
        }
        let kept: Vec<_> = memos.iter().map(|(name, memo)| (name.as_str(), memo.slot)).collect();
        assert_eq!(kept, [("ask", 3), ("send", 0), ("send/2", 2)]);
        assert!(memos.get("send").is_some() && memos.get("sen").is_none() && memos.len() == 3);
        memos.get_mut("send").expect("it is there").attempt = 2;
        assert_eq!(memos.get("send").map(|memo| memo.attempt), Some(2));
    }
}
