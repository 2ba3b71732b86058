//! Every turn of these stories can be forked at every state that it has been in; each fork ends, and each of them, and the
//! turn itself, replays to the same bytes without a model and without a tool.
use crate::{
    life::{Life, RUN, attended, plenty},
    script::*,
    shown,
    world::World,
};
use domain::DoubtAnswer;
use engine::{InstanceId, log::Group, testing::ManualClock};
use expect_test::expect;
use turn::{Began, Instead, Talk, TurnState, began, forkable, forked};

/// The stories: answers, reads and writes, refusals, a call that is never repeated, one that can be probed.
fn stories() -> Vec<Vec<Round>> {
    vec![
        vec![vec![says("hello")]],
        vec![vec![calls(&[("look", "a"), ("note", "b"), ("look", "c")])], vec![says("done")]],
        vec![vec![calls(&[("zap", "x"), ("ship", "y")])], vec![calls(&[("note", "a")])], vec![says("done")]],
        vec![vec![calls(&[("send", "a"), ("look", "b")])], vec![says("done")]],
        vec![vec![calls(&[("look", "a")])], vec![says("✗1 bare")], vec![says("done")]],
        vec![vec![busy(), calls(&[("probe", "a"), ("send", "b"), ("note", "fail")])], vec![says("done")]],
    ]
}

/// Plays a story over what an earlier life left, forks it everywhere, and replays all. Returns where the forks began.
async fn check(story: Vec<Round>, left: Vec<Group>) -> Vec<String> {
    let life = Life::of(World::new(story), left, ManualClock::hasty());
    life.play().await;
    let journal = life.engine.journal();
    let (run, _) = journal.past(RUN).unwrap().unwrap();
    let mut begun = Vec::new();
    for seq in 0..run.moves {
        let at = journal.point(RUN, seq).unwrap();
        let told = life.engine.listen();
        let fork = life.engine.fork::<turn::Turn>(&at, plenty(), Ok).unwrap().await.unwrap();
        let end = attended(&fork, told, DoubtAnswer::Drop).await;
        assert!(shown::end(&end).starts_with("Answered"), "{} from {seq}", shown::end(&end));
        begun.push(fork.id());
    }
    let runs = journal.runs().unwrap();
    let (asked, ran) = (life.world.asked.lock().unwrap().len(), life.world.ran().len());
    for run in runs {
        let replayed = life.replay(run.instance).await;
        assert_eq!((replayed.difference, replayed.moves), (None, run.moves));
        assert_eq!(replayed.recorded, replayed.replayed);
    }
    assert_eq!((life.world.asked.lock().unwrap().len(), life.world.ran().len()), (asked, ran));
    let origin = |id: &InstanceId| journal.past(*id).unwrap().unwrap().0.origin;
    begun.iter().map(|id| format!("{:?}", origin(id).map(|(_, at)| at))).collect()
}

#[tokio::test]
async fn every_turn_forks_everywhere_and_replays() {
    for story in stories() {
        let forks = check(story, Vec::new()).await;
        assert!(forks.len() >= 2, "{forks:?}");
    }
}

#[tokio::test]
async fn a_turn_that_was_killed_anywhere_forks_everywhere_and_replays() {
    for story in stories() {
        let whole = Life::first(story.clone());
        whole.play().await;
        let groups = whole.log.groups();
        for survived in 0..groups.len() {
            check(story.clone(), groups[..survived].to_vec()).await;
        }
    }
}

#[tokio::test]
async fn a_fork_judges_its_calls_again() {
    let story = || vec![vec![calls(&[("note", "a"), ("send", "b")])], vec![says("done")]];
    let life = Life::first(story());
    life.play().await;
    // In Acting, with both calls approved. Since then the tools were taken away.
    let world = World { no_tools: true, ..World::new(story()) };
    let later = Life::of(world, life.log.groups(), ManualClock::hasty());
    let at = later.engine.journal().point(RUN, 3).unwrap();
    let fork = later.engine.fork::<turn::Turn>(&at, plenty(), Ok).unwrap().await.unwrap();
    let end = attended(&fork, later.engine.listen(), DoubtAnswer::Drop).await;
    assert_eq!(shown::end(&end), "Answered, Stop, 2 rounds");
    assert!(later.world.ran().is_empty());
}

fn moved(state: TurnState, message: Option<&str>) -> String {
    let other = crate::life::request();
    let session = domain::SessionId::parse("other").unwrap();
    let talk = Talk { user: other.user, session, turn: other.turn };
    let beginning = match began(&state) {
        Some(Began::With(attachments)) => format!(", not said, {} files", attachments.len()),
        Some(Began::Said(_)) => ", said".to_owned(),
        None => String::new(),
    };
    let photo = domain::Attachment { name: "p".into(), media_type: "image/png".into(), bytes: vec![1] };
    let instead = message.map(|prompt| Instead { prompt: prompt.to_owned(), attachments: vec![photo] });
    let wanted = instead.clone();
    match forked(state, talk, instead) {
        Ok(state) => {
            if let (Some(wanted), TurnState::Gathering(it)) = (&wanted, &state) {
                assert_eq!((&it.prompt, &it.attachments), (&wanted.prompt, &wanted.attachments));
            }
            let session = forkable(&state, false).map(|talk| talk.session.to_string());
            session.map_or_else(|why| why.0, |session| session + &beginning)
        }
        Err(why) => why.0,
    }
}

#[tokio::test]
async fn a_forked_state_speaks_elsewhere_and_another_message_fits_the_beginning() {
    let life = Life::first(vec![vec![calls(&[("look", "a")])], vec![says("done")]]);
    life.play().await;
    let journal = life.engine.journal();
    let mut table = Vec::new();
    for seq in 0..=5 {
        let at = journal.point(RUN, seq).unwrap();
        for message in [None, Some("another")] {
            let mut told = String::new();
            // The change is refused, so that nothing begins: what it would have been is told.
            let refused = life.engine.fork::<turn::Turn>(&at, plenty(), |state| {
                told = moved(state, message);
                Err(engine::Refused("no".into()))
            });
            assert!(refused.is_err());
            table.push(format!("{seq} {}: {told}", message.unwrap_or("as it is")));
        }
    }
    expect![[r#"
        0 as it is: other, not said, 0 files
        0 another: other, not said, 0 files
        1 as it is: other, said
        1 another: other, said
        2 as it is: other
        2 another: the model has answered the message of this turn: another message fits its first two states, 0 and 1
        3 as it is: other
        3 another: the model has answered the message of this turn: another message fits its first two states, 0 and 1
        4 as it is: other
        4 another: the model has answered the message of this turn: another message fits its first two states, 0 and 1
        5 as it is: 
        5 another: "#]].assert_eq(&table.join("\n"));
}
