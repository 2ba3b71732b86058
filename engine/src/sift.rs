//! What is left of each record when a journal is compacted, as a survey of it says. Of a run whose past goes, its beginning,
//! its end and its facts stay; where other records were there is one mark for each stretch, so that whoever looks back is told
//! that there was more.
use crate::{
    Encoded, InstanceId,
    codec::bytes_of,
    log::{Kept, Lsn, Shelf, Sieve},
    record::{EventId, FactRecord, Facts, Moved, Record, Trimmed},
    seen::SEEN_MAX,
    survey::{Fate, Survey},
};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// The shape of a state of which nothing is kept: shapes are hashes, and those without fields are zero.
pub(crate) const FORGOTTEN_SHAPE: u64 = u64::MAX;

pub(crate) struct Sift<'a> {
    survey: &'a Survey,
    /// What goes of each run in this stretch.
    marks: FxHashMap<InstanceId, Mark>,
}

/// Stands in for what goes of a run in one stretch. It says which events the run has heard, so it lies where the last of them
/// did: a start from a snapshot that knows the others reads it. One that heard nothing lies where the first record did.
struct Mark {
    at: Lsn,
    trimmed: Trimmed,
}

impl Mark {
    /// Adds what was heard in a record at `lsn`; of more than a run remembers, the oldest go.
    fn hears(&mut self, lsn: Lsn, ids: &[u128]) {
        if !ids.is_empty() {
            self.at = lsn;
            let heard = &mut self.trimmed.heard;
            heard.extend(ids);
            heard.drain(..heard.len().saturating_sub(SEEN_MAX));
        }
    }
}

/// What becomes of a record.
enum Becomes {
    /// It stays as it is.
    Same,
    /// This stands in its place.
    Other(Box<Record>),
    /// It goes.
    Nothing,
}

impl Becomes {
    fn other(record: Record) -> Becomes {
        Becomes::Other(Box::new(record))
    }
}

impl<'a> Sift<'a> {
    pub(crate) fn by(survey: &'a Survey) -> Sift<'a> {
        Sift { survey, marks: FxHashMap::default() }
    }

    /// What becomes of a record, marks aside.
    fn becomes(&self, lsn: Lsn, record: Record) -> Becomes {
        let fate = record.subject().map(|instance| self.survey.fate(instance));
        match (fate, record) {
            (None, record) if self.is_about_nobody(&record) => Becomes::Nothing,
            (None | Some(Fate::Whole), _) => Becomes::Same,
            (Some(Fate::Forgotten), Record::Started(mut started)) => {
                blank(&mut started.state).map_or(Becomes::Same, |()| Becomes::other(Record::Started(started)))
            }
            (Some(_), Record::Started(_) | Record::Forked(_)) => Becomes::Same,
            (Some(fate), Record::Moved(moved)) if moved.ended => self.end(lsn, moved, fate),
            (Some(_), record) => {
                let facts = self.facts(lsn, record.facts());
                match (record.subject(), record) {
                    (_, _) if facts.is_empty() => Becomes::Nothing,
                    (_, Record::Facts(was)) if was.facts.len() == facts.len() => Becomes::Same,
                    (Some(instance), record) => {
                        let at = record.at();
                        Becomes::other(Record::Facts(Facts { instance, facts, at }))
                    }
                    (None, _) => Becomes::Same,
                }
            }
        }
    }

    fn end(&self, lsn: Lsn, mut moved: Moved, fate: Fate) -> Becomes {
        let facts = self.facts(lsn, &moved.facts);
        let loses_facts = facts.len() < moved.facts.len();
        let loses_state = fate == Fate::Forgotten && blank(&mut moved.state).is_some();
        moved.facts = facts;
        if loses_facts || loses_state { Becomes::other(Record::Moved(moved)) } else { Becomes::Same }
    }

    fn facts(&self, lsn: Lsn, facts: &[FactRecord]) -> Vec<FactRecord> {
        facts.iter().filter(|fact| self.survey.stays(lsn, fact)).cloned().collect()
    }

    /// Whether a record is about several runs, and the past of none of them stays.
    fn is_about_nobody(&self, record: &Record) -> bool {
        match record {
            Record::Cancel(_) | Record::Paused(_) | Record::Released(_) => {
                record.subjects().iter().all(|instance| self.survey.fate(*instance) != Fate::Whole)
            }
            Record::Declared(_)
            | Record::Started(_)
            | Record::Moved(_)
            | Record::Began(_)
            | Record::Done(_)
            | Record::Mail(_)
            | Record::Outcome(_)
            | Record::Credited(_)
            | Record::Parked(_)
            | Record::Forked(_)
            | Record::Imported(_)
            | Record::Forgot(_)
            | Record::Trimmed(_)
            | Record::Facts(_) => false,
        }
    }

    /// Takes note of what goes; says whether the record is a mark that can stay.
    fn mark(&mut self, lsn: Lsn, record: &Record) -> bool {
        let Some(instance) = record.subject() else { return false };
        let forgotten = self.survey.fate(instance) == Fate::Forgotten;
        let is_first = !self.marks.contains_key(&instance);
        let mark = self.marks.entry(instance).or_insert_with(|| Mark {
            at: lsn,
            trimmed: Trimmed { instance, forgotten, heard: Vec::new(), at: record.at() },
        });
        match record {
            Record::Mail(mail) => {
                if let EventId::Given(id) = mail.event {
                    mark.hears(lsn, &[id]);
                }
                false
            }
            Record::Trimmed(was) => {
                mark.hears(lsn, &was.heard);
                is_first && was.forgotten == forgotten
            }
            Record::Declared(_)
            | Record::Started(_)
            | Record::Moved(_)
            | Record::Began(_)
            | Record::Done(_)
            | Record::Outcome(_)
            | Record::Credited(_)
            | Record::Cancel(_)
            | Record::Parked(_)
            | Record::Forked(_)
            | Record::Paused(_)
            | Record::Released(_)
            | Record::Imported(_)
            | Record::Forgot(_)
            | Record::Facts(_) => false,
        }
    }
}

/// What a compaction would leave of records that are all there still.
pub(crate) fn left(survey: &Survey, records: Vec<(Lsn, Vec<u8>)>) -> Vec<(Lsn, Vec<u8>)> {
    let mut sift = Sift::by(survey);
    let stays: Vec<_> = records.iter().map(|(lsn, bytes)| sift.weigh(*lsn, bytes)).collect();
    if stays.iter().all(|stays| *stays) {
        return records;
    }
    let left = |(lsn, bytes): &(Lsn, Vec<u8>)| Some((*lsn, sift.sift(*lsn, bytes)?.1.into_owned()));
    records.iter().filter_map(left).collect()
}

/// Takes away what a state holds; nothing when there is nothing left.
fn blank(state: &mut Encoded) -> Option<()> {
    let is_blank = state.shape == FORGOTTEN_SHAPE && state.bytes.is_empty();
    (state.shape, state.bytes) = (FORGOTTEN_SHAPE, Vec::new());
    (!is_blank).then_some(())
}

fn shelf(record: &Record) -> Shelf {
    let is_for_all = matches!(record, Record::Declared(_) | Record::Forgot(_));
    if is_for_all || !record.facts().is_empty() { Shelf::Facts } else { Shelf::Past }
}

impl Sieve for Sift<'_> {
    fn begin(&mut self) {
        self.marks.clear();
    }

    fn weigh(&mut self, lsn: Lsn, bytes: &[u8]) -> bool {
        // What is not of this engine was refused when the journal was opened; it is left alone.
        let Ok(record) = Record::decode(bytes) else { return true };
        match self.becomes(lsn, record.clone()) {
            Becomes::Same => true,
            Becomes::Other(_) => false,
            Becomes::Nothing => self.mark(lsn, &record),
        }
    }

    fn sift<'a>(&mut self, lsn: Lsn, bytes: &'a [u8]) -> Kept<'a> {
        let Ok(record) = Record::decode(bytes) else { return Some((Shelf::Past, bytes.into())) };
        let (on, subject) = (shelf(&record), record.subject());
        match self.becomes(lsn, record) {
            Becomes::Same => Some((on, bytes.into())),
            Becomes::Other(record) => Some((shelf(&record), Cow::Owned(bytes_of(&*record)))),
            Becomes::Nothing => {
                let mark = self.marks.get(&subject?).filter(|mark| mark.at == lsn)?;
                Some((Shelf::Past, Cow::Owned(bytes_of(&Record::Trimmed(mark.trimmed.clone())))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
