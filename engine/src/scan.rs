//! Reads the records of journals, several times as fast as the codec's general decoder, and with no more room than the bytes
//! that are there can fill, whatever they claim. Tests and a fuzzer hold it equal to that decoder.
use crate::{
    InstanceId, Refused,
    durable::Owner,
    record::{
        Answer, Began, Cancel, Credited, Declared, Done, Facts, Forgot, Forked, Imported, Mail, Mode, Moved,
        Outcome, Parent, Parked, Paused, Record, Released, Started, Trimmed, Via,
    },
};
use rest::Rest;

mod rest;
#[cfg(test)]
mod tests;

// The places in `Record` of the kinds that are looked at without being read.
const MOVED: u32 = 2;
const BEGAN: u32 = 3;
const DONE: u32 = 4;
const FORGOT: u32 = 14;

/// Reads a record.
///
/// # Errors
/// When the bytes are no record, or more than one.
pub(crate) fn record(bytes: &[u8]) -> Result<Record, Refused> {
    let mut rest = Rest(bytes);
    match one(&mut rest) {
        Some(record) if rest.0.is_empty() => Ok(record),
        Some(_) => Err(Refused("a record is longer than what it says".to_owned())),
        None => {
            let (at, length) = (bytes.len() - rest.0.len(), bytes.len());
            Err(Refused(format!("a record of {length} bytes makes no sense at byte {at}")))
        }
    }
}

/// Reads the content of a parcel: its run, and its records as they were.
pub(crate) fn content(bytes: &[u8]) -> Option<(InstanceId, Vec<Vec<u8>>)> {
    let mut rest = Rest(bytes);
    let content = (rest.instance()?, rest.list(|rest| rest.bytes().map(<[u8]>::to_vec))?);
    rest.0.is_empty().then_some(content)
}

fn one(rest: &mut Rest<'_>) -> Option<Record> {
    Some(match rest.u32()? {
        0 => Record::Declared(declared(rest)?),
        1 => Record::Started(started(rest)?),
        MOVED => Record::Moved(moved(rest)?),
        BEGAN => Record::Began(began(rest)?),
        DONE => Record::Done(done(rest)?),
        5 => Record::Mail(mail(rest)?),
        6 => Record::Outcome(outcome(rest)?),
        7 => Record::Credited(credited(rest)?),
        8 => Record::Cancel(Cancel { instances: rest.instances()?, at: rest.time()? }),
        9 => Record::Parked(Parked { instance: rest.instance()?, why: rest.text()?, at: rest.time()? }),
        10 => Record::Forked(forked(rest)?),
        11 => Record::Paused(Paused { instances: rest.instances()?, why: rest.text()?, at: rest.time()? }),
        12 => Record::Released(Released { instances: rest.instances()?, at: rest.time()? }),
        13 => Record::Imported(Imported { instances: rest.instances()?, at: rest.time()? }),
        FORGOT => Record::Forgot(forgot(rest)?),
        15 => Record::Trimmed(trimmed(rest)?),
        16 => Record::Facts(Facts { instance: rest.instance()?, facts: rest.facts()?, at: rest.time()? }),
        _ => return None,
    })
}

/// The run that a record of a move is about; none for other records.
pub(crate) fn mover(bytes: &[u8]) -> Option<InstanceId> {
    let mut rest = Rest(bytes);
    (rest.u32()? == MOVED).then(|| rest.instance())?
}

/// Who is forgotten by a record; nobody by other records, which are not read.
pub(crate) fn forgotten(bytes: &[u8]) -> Option<Forgot> {
    let mut rest = Rest(bytes);
    (rest.u32()? == FORGOT).then(|| forgot(&mut rest))?
}

/// Whether a record of this run leaves nothing behind once the run has moved on: what it says is said again, or is of no
/// use any more.
pub(crate) fn passes(bytes: &[u8], instance: InstanceId) -> bool {
    passing(&mut Rest(bytes), instance).unwrap_or(false)
}

fn passing(rest: &mut Rest<'_>, instance: InstanceId) -> Option<bool> {
    let kind = rest.u32()?;
    if rest.instance()? != instance {
        return Some(false);
    }
    rest.u64()?;
    match kind {
        MOVED => {
            rest.value()?;
            let (used, _, stopping, _) =
                (rest.via()?, rest.balance()?, rest.option(Rest::u32)?, rest.flag()?);
            // An event leaves the mailbox, and a stop ends the wait for a cancel.
            let alone = matches!(used, Via::Entered | Via::Elapsed | Via::Outcome) && stopping.is_none();
            Some(alone && rest.u64()? == 0)
        }
        BEGAN => Some(true),
        DONE => {
            let (_, _, _, _) = (rest.bytes()?, rest.value()?, rest.amount()?, rest.amount()?);
            Some(rest.u64()? == 0)
        }
        _ => Some(false),
    }
}

// Fields are read in the order in which they are written: an expression of a struct is evaluated from top to bottom.

fn declared(rest: &mut Rest<'_>) -> Option<Declared> {
    Some(Declared {
        graph: rest.u64()?,
        name: rest.text()?,
        version: rest.u32()?,
        types: rest.list(|rest| Some((rest.text()?, rest.u64()?, rest.u64()?)))?,
    })
}

fn started(rest: &mut Rest<'_>) -> Option<Started> {
    Some(Started {
        instance: rest.instance()?,
        graph: rest.u64()?,
        version: rest.u32()?,
        state: rest.encoded()?,
        grant: rest.balance()?,
        parent: rest.option(parent)?,
        depth: rest.u16()?,
        at: rest.time()?,
    })
}

fn parent(rest: &mut Rest<'_>) -> Option<Parent> {
    Some(Parent { instance: rest.instance()?, seq: rest.u64()?, request: rest.u64()? })
}

fn moved(rest: &mut Rest<'_>) -> Option<Moved> {
    Some(Moved {
        instance: rest.instance()?,
        seq: rest.u64()?,
        state: rest.encoded()?,
        used: rest.via()?,
        balance: rest.balance()?,
        stopping: rest.option(Rest::u32)?,
        ended: rest.flag()?,
        facts: rest.facts()?,
        at: rest.time()?,
    })
}

fn began(rest: &mut Rest<'_>) -> Option<Began> {
    Some(Began {
        instance: rest.instance()?,
        seq: rest.u64()?,
        name: rest.text()?,
        slot: rest.u32()?,
        via: rest.via()?,
        attempt: rest.u32()?,
        mode: match rest.u32()? {
            0 => Mode::Repeat,
            1 => Mode::Once(rest.encoded()?),
            _ => return None,
        },
        hold: rest.amount()?,
        balance: rest.amount()?,
        at: rest.time()?,
    })
}

fn done(rest: &mut Rest<'_>) -> Option<Done> {
    Some(Done {
        instance: rest.instance()?,
        seq: rest.u64()?,
        name: rest.text()?,
        result: rest.encoded()?,
        spent: rest.amount()?,
        balance: rest.amount()?,
        facts: rest.facts()?,
        at: rest.time()?,
    })
}

fn mail(rest: &mut Rest<'_>) -> Option<Mail> {
    Some(Mail {
        instance: rest.instance()?,
        event: rest.event()?,
        payload: rest.encoded()?,
        at: rest.time()?,
    })
}

fn outcome(rest: &mut Rest<'_>) -> Option<Outcome> {
    Some(Outcome {
        instance: rest.instance()?,
        seq: rest.u64()?,
        child: rest.instance()?,
        answer: match rest.u32()? {
            0 => Answer::Said(rest.encoded()?),
            1 => Answer::Lost(rest.text()?),
            _ => return None,
        },
        refund: rest.balance()?,
        at: rest.time()?,
    })
}

fn credited(rest: &mut Rest<'_>) -> Option<Credited> {
    Some(Credited {
        instance: rest.instance()?,
        from: rest.instance()?,
        balance: rest.balance()?,
        at: rest.time()?,
    })
}

fn forked(rest: &mut Rest<'_>) -> Option<Forked> {
    Some(Forked { instance: rest.instance()?, from: rest.instance()?, seq: rest.u64()?, at: rest.time()? })
}

fn forgot(rest: &mut Rest<'_>) -> Option<Forgot> {
    Some(Forgot {
        owner: Owner(rest.text()?),
        upto: rest.u64()?,
        instances: rest.instances()?,
        at: rest.time()?,
    })
}

fn trimmed(rest: &mut Rest<'_>) -> Option<Trimmed> {
    Some(Trimmed {
        instance: rest.instance()?,
        forgotten: rest.flag()?,
        heard: rest.list(Rest::u128)?,
        at: rest.time()?,
    })
}
