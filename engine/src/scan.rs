//! Reads the records that journals are full of (moves, and the beginnings and results of effects) several times as fast
//! as the general decoder. It refuses nothing itself: what is of another kind, or odd in any way, it leaves to the
//! decoder, which says what is wrong.
use crate::{
    Amount, Encoded, FactId, InstanceId, Time,
    budget::Balance,
    durable::{BlobId, FactKey, Owner},
    record::{Began, Done, EventId, FactRecord, Mail, Mode, Moved, Record, Via},
};

// The places of the kinds in `Record`.
const MOVED: u32 = 2;
const BEGAN: u32 = 3;
const DONE: u32 = 4;
const MAIL: u32 = 5;

/// Reads a record; none when it is one for the decoder.
pub(crate) fn record(bytes: &[u8]) -> Option<Record> {
    let mut rest = Rest(bytes);
    let record = match rest.u32()? {
        MOVED => Record::Moved(moved(&mut rest)?),
        BEGAN => Record::Began(began(&mut rest)?),
        DONE => Record::Done(done(&mut rest)?),
        MAIL => Record::Mail(mail(&mut rest)?),
        _ => return None,
    };
    rest.0.is_empty().then_some(record)
}

/// The run that a record of a move is about; none for other records.
pub(crate) fn mover(bytes: &[u8]) -> Option<InstanceId> {
    let mut rest = Rest(bytes);
    (rest.u32()? == MOVED).then(|| rest.instance())?
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
        at: Time(rest.u64()?),
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
        at: Time(rest.u64()?),
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
        at: Time(rest.u64()?),
    })
}

fn mail(rest: &mut Rest<'_>) -> Option<Mail> {
    Some(Mail {
        instance: rest.instance()?,
        event: rest.event()?,
        payload: rest.encoded()?,
        at: Time(rest.u64()?),
    })
}

/// What is not read yet. Whole numbers are as the codec writes them: below 251 as they are, else a byte that says how
/// many follow, the least first.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    #[inline]
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    #[inline]
    fn u32(&mut self) -> Option<u32> {
        match self.fixed::<1>()?[0] {
            251 => Some(u16::from_le_bytes(self.fixed()?).into()),
            252 => Some(u32::from_le_bytes(self.fixed()?)),
            253.. => None,
            small => Some(small.into()),
        }
    }

    #[inline]
    fn u64(&mut self) -> Option<u64> {
        match self.fixed::<1>()?[0] {
            251 => Some(u16::from_le_bytes(self.fixed()?).into()),
            252 => Some(u32::from_le_bytes(self.fixed()?).into()),
            253 => Some(u64::from_le_bytes(self.fixed()?)),
            254.. => None,
            small => Some(small.into()),
        }
    }

    #[inline]
    fn u128(&mut self) -> Option<u128> {
        if let [254, ..] = self.0 {
            let [_, bytes @ ..] = self.fixed::<17>()?;
            return Some(u128::from_le_bytes(bytes));
        }
        self.u64().map(u128::from)
    }

    #[inline]
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    #[inline]
    fn flag(&mut self) -> Option<bool> {
        match self.fixed::<1>()?[0] {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { some(self).map(Some) } else { Some(None) }
    }

    #[inline]
    fn instance(&mut self) -> Option<InstanceId> {
        self.u128().map(InstanceId)
    }

    #[inline]
    fn amount(&mut self) -> Option<Amount> {
        Some(Amount([self.u64()?, self.u64()?, self.u64()?]))
    }

    #[inline]
    fn balance(&mut self) -> Option<Balance> {
        let (moves, meters) = (self.u32()?, self.amount()?);
        Some(Balance { moves, meters, until: self.option(|rest| rest.u64().map(Time))? })
    }

    #[inline]
    fn encoded(&mut self) -> Option<Encoded> {
        let (tag, shape, bytes) = self.value()?;
        Some(Encoded { tag, shape, bytes: bytes.to_vec() })
    }

    #[inline]
    fn value(&mut self) -> Option<(u64, u64, &'a [u8])> {
        Some((self.u64()?, self.u64()?, self.bytes()?))
    }

    fn event(&mut self) -> Option<EventId> {
        match self.u32()? {
            0 => self.u128().map(EventId::Drawn),
            1 => self.u128().map(EventId::Given),
            _ => None,
        }
    }

    #[inline]
    fn via(&mut self) -> Option<Via> {
        match self.u32()? {
            0 => Some(Via::Entered),
            1 => self.event().map(Via::Event),
            2 => Some(Via::Elapsed),
            3 => Some(Via::Outcome),
            _ => None,
        }
    }

    #[inline]
    fn facts(&mut self) -> Option<Vec<FactRecord>> {
        match self.u64()? {
            0 => Some(Vec::new()),
            facts => (0..facts).map(|_| self.fact()).collect(),
        }
    }

    fn fact(&mut self) -> Option<FactRecord> {
        Some(FactRecord {
            id: FactId { instance: self.instance()?, seq: self.u64()?, n: self.u32()? },
            owner: Owner(self.text()?),
            key: self.option(|rest| rest.text().map(FactKey))?,
            blobs: {
                let blobs = self.u64()?;
                (0..blobs).map(|_| self.fixed().map(BlobId)).collect::<Option<_>>()?
            },
            fact: self.encoded()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    const INSTANCE: InstanceId = InstanceId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

    /// Numbers of every length.
    const NUMBERS: [u64; 7] = [0, 1, 250, 251, 65_536, 1 << 32, u64::MAX];

    fn encoded(number: u64) -> Encoded {
        Encoded { tag: number, shape: !number, bytes: vec![7; (number % 300) as usize] }
    }

    fn fact(number: u64) -> FactRecord {
        FactRecord {
            id: FactId { instance: INSTANCE, seq: number, n: number as u32 },
            owner: Owner(format!("session:{number}")),
            key: (number % 2 == 1).then(|| FactKey("key".to_owned())),
            blobs: vec![BlobId([9; 32]); (number % 3) as usize],
            fact: encoded(number),
        }
    }

    fn records(number: u64) -> Vec<Record> {
        let amount = Amount([number, 0, number / 2]);
        let vias = [
            Via::Entered,
            Via::Event(EventId::Drawn(number.into())),
            Via::Event(EventId::Given(u128::MAX - u128::from(number))),
            Via::Elapsed,
            Via::Outcome,
        ];
        let at = Time(number);
        let moved = vias.map(|used| {
            Record::Moved(Moved {
                instance: INSTANCE,
                seq: number,
                state: encoded(number),
                used,
                balance: Balance { moves: number as u32, meters: amount, until: (number > 9).then_some(at) },
                stopping: (number > 99).then_some(3),
                ended: number < 9,
                facts: (0..number % 3).map(fact).collect(),
                at,
            })
        });
        let began = [Mode::Repeat, Mode::Once(encoded(number))].map(|mode| {
            Record::Began(Began {
                instance: INSTANCE,
                seq: number,
                name: format!("effect/{number}"),
                slot: 3,
                via: Via::Elapsed,
                attempt: number as u32,
                mode,
                hold: amount,
                balance: amount,
                at,
            })
        });
        let done = Record::Done(Done {
            instance: InstanceId(number.into()),
            seq: number,
            name: "ä".to_owned(),
            result: encoded(number),
            spent: amount,
            balance: amount,
            facts: vec![fact(number)],
            at,
        });
        let mail = Record::Mail(Mail {
            instance: INSTANCE,
            event: EventId::Given(number.into()),
            payload: encoded(number),
            at,
        });
        moved.into_iter().chain(began).chain([done, mail]).collect()
    }

    fn bytes(record: &Record) -> Vec<u8> {
        let mut bytes = Vec::new();
        codec::put(record, &mut bytes);
        bytes
    }

    #[test]
    fn what_it_reads_is_what_was_written() {
        for written in NUMBERS.into_iter().flat_map(records) {
            let read = record(&bytes(&written)).expect("it is of a kind that it reads");
            assert_eq!(format!("{read:?}"), format!("{written:?}"));
        }
    }

    #[test]
    fn what_it_reads_of_damaged_bytes_the_decoder_reads_too() {
        for written in records(65_537) {
            let whole = bytes(&written);
            assert!((0..whole.len()).all(|length| record(&whole[..length]).is_none()), "it is cut");
            for bit in 0..whole.len() * 8 {
                let mut flipped = whole.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let Some(read) = record(&flipped) else { continue };
                let decoded: Record = codec::record_of(&flipped).expect("it was read");
                assert_eq!(format!("{read:?}"), format!("{decoded:?}"));
            }
        }
    }

    #[test]
    fn other_kinds_are_for_the_decoder() {
        let parked =
            Record::Parked(crate::record::Parked { instance: INSTANCE, why: "x".into(), at: Time(1) });
        assert!(record(&bytes(&parked)).is_none());
        assert!(Record::decode(&bytes(&parked)).is_ok());
    }
}
