// The bytes of journalled types are those of bincode's own derives, so journals and tools can rely on its format.
use engine::bincode::{self, Decode, Encode, config::standard, error::DecodeError};

#[durable::durable]
#[derive(Clone, PartialEq, Debug)]
pub enum Ours { None, One(u64, String), Named { list: Vec<Option<i32>>, flag: bool } }

#[derive(Encode, Decode, Clone, PartialEq, Debug)]
#[bincode(crate = "engine::bincode")]
pub enum Theirs { None, One(u64, String), Named { list: Vec<Option<i32>>, flag: bool } }

#[durable::durable]
#[derive(PartialEq, Debug)]
pub struct Pair(Ours, [u8; 3]);

#[derive(Encode, Decode, PartialEq, Debug)]
#[bincode(crate = "engine::bincode")]
pub struct Other(Theirs, [u8; 3]);

#[durable::durable]
#[derive(PartialEq, Debug)]
pub struct Unit;

#[durable::durable]
#[derive(Debug)]
pub enum Never {}

fn main() {
    let ours = [Ours::None, Ours::One(1 << 40, "x".into()), Ours::Named { list: vec![None, Some(-7)], flag: true }];
    let theirs = [Theirs::None, Theirs::One(1 << 40, "x".into()), Theirs::Named { list: vec![None, Some(-7)], flag: true }];
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        let (ours, theirs) = (Pair(ours, [1, 2, 3]), Other(theirs, [1, 2, 3]));
        let bytes = bincode::encode_to_vec(&ours, standard()).expect("it encodes into memory");
        assert_eq!(bytes, bincode::encode_to_vec(&theirs, standard()).expect("it encodes into memory"));
        let (again, read): (Pair, usize) = bincode::decode_from_slice(&bytes, standard()).expect("it decodes");
        assert_eq!((again, read), (ours, bytes.len()));
        let (again, _): (Pair, usize) = bincode::borrow_decode_from_slice(&bytes, standard()).expect("it decodes");
        assert_eq!(again.1, [1, 2, 3]);
        assert!(bincode::decode_from_slice::<Pair, _>(&bytes[..bytes.len() - 1], standard()).is_err(), "cut off");
    }
    assert_eq!(bincode::encode_to_vec(Unit, standard()).expect("it encodes into memory"), [] as [u8; 0]);
    let unknown = bincode::decode_from_slice::<Ours, _>(&[3], standard()).expect_err("there are three variants");
    assert!(matches!(unknown, DecodeError::UnexpectedVariant { found: 3, .. }), "{unknown}");
    let never = bincode::decode_from_slice::<Never, _>(&[0], standard()).expect_err("there are no variants");
    assert!(matches!(never, DecodeError::EmptyEnum { .. }), "{never}");
}
