//! The key of a provider: sent to it, and shown to nobody.
use crate::{aimock::KEY, peer::Peer, script::Answer};
use frames::Frame;

#[test]
fn a_wrong_key_is_named_and_not_shown() {
    let wrong = "sk-wrong-0123456789abcdef";
    let peer = Peer::with_key(wrong, &[&[Answer::says("nobody hears this")]]);
    let done = peer.oxydra(Some("hello")).done().ended(1);
    let frames = done.frames();
    let Some(Frame::Error(error)) = frames.last() else { panic!("{frames:#?}") };
    assert!(error.message.contains("does not accept the key (401)"), "{error:?}");
    assert!(!done.text().contains(wrong) && !done.err.contains(wrong), "{done:#?}");
    let shown = peer.place.run(&["instances"]).ended(0).text();
    assert!(shown.contains("Stopped") && !shown.contains(wrong), "{shown}");
}

#[test]
fn the_right_key_is_in_no_journal() {
    let peer = Peer::with(&[&[Answer::says("welcome")]]);
    assert_eq!(peer.turn(Some("hello")).seen.answer(), "welcome");
    for (path, bytes) in peer.place.journal_bytes() {
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{}", path.display());
    }
}
