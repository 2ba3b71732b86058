//! A key that is renewed while the program runs, and one that is not.
use super::server::{Does, HI, STOP, Server, status, stream};
use super::*;
use domain::Model;
use futures::StreamExt;
use std::{fs, path::PathBuf, sync::Arc};

/// A file with a key, gone with its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, key: &str) -> File {
        let path = std::env::temp_dir().join(format!("oxydra-key-{}-{name}", std::process::id()));
        fs::write(&path, key).expect("it is written");
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Asks with the key of a file, while the server does this; returns the keys that it was shown, and the answer.
async fn asked(file: &File, does: Vec<Does>) -> (Vec<String>, String) {
    let server = Server::opened_by(crate::Api::Chat, Arc::new(KeyFile::new(file.0.clone()))).await;
    let asking = server.model.ask(question(vec![user("hi")])).collect::<Vec<_>>();
    let answering = async {
        let mut keys = Vec::new();
        for does in does {
            let request = server.serve(does).await;
            let key = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
            keys.push(key.expect("a key is shown").to_owned());
        }
        keys
    };
    let (keys, answer) = futures::join!(answering, asking);
    (keys, format!("{:?}", answer.last().expect("it ends")))
}

fn refused(key: &str) -> Does {
    status("401 Unauthorized", "", &format!(r#"{{"error":{{"message":"bad key {key}"}}}}"#))
}

#[tokio::test]
async fn a_key_that_was_renewed_is_tried_once() {
    let file = File::new("renewed", "old-key\n");
    // The first look is taken before the server answers, so the old key is known.
    let credentials = KeyFile::new(file.0.clone());
    let old = credentials.key(None).await.expect("it is there").expect("it is there");
    fs::write(&file.0, "new-key").expect("it is written");
    assert_eq!(
        credentials.key(None).await.expect("it is there"),
        Some(old.clone()),
        "it is not read each time"
    );
    let server = Server::opened_by(crate::Api::Chat, Arc::new(credentials)).await;
    let asking = server.model.ask(question(vec![user("hi")])).collect::<Vec<_>>();
    let answering = async {
        let first = server.serve(refused("old-key")).await;
        let second = server.serve(Does::Says(stream(&[HI, STOP, "[DONE]"]))).await;
        assert!(first.contains("Bearer old-key") && second.contains("Bearer new-key"), "{first}\n{second}");
        // It is the same question, asked once more.
        assert_eq!(
            first.split_once("\r\n\r\n").expect("a body").1,
            second.split_once("\r\n\r\n").expect("a body").1
        );
    };
    let ((), answer) = futures::join!(answering, asking);
    assert!(answer.iter().all(Result::is_ok), "{answer:?}");
}

#[tokio::test]
async fn a_key_that_stays_the_same_is_not_tried_again_and_not_shown() {
    let file = File::new("same", "only-key");
    let (keys, answer) = asked(&file, vec![refused("only-key")]).await;
    assert_eq!(keys, ["only-key"]);
    assert!(answer.contains("Closed") && answer.contains("bad key [secret]"), "{answer}");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_said_with_its_file() {
    let file = File::new("blank", " \n");
    let server = Server::opened_by(crate::Api::Chat, Arc::new(KeyFile::new(file.0.clone()))).await;
    let answer: Vec<_> = server.model.ask(question(vec![user("hi")])).collect().await;
    let said = format!("{answer:?}");
    assert!(said.contains("Closed") && said.contains("is blank"), "{said}");
    drop(file);
    let answer: Vec<_> = server.model.ask(question(vec![user("hi")])).collect().await;
    assert!(format!("{answer:?}").contains("cannot be read"), "{answer:?}");
}
