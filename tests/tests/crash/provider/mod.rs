//! The scripted provider: chat completions over HTTP on loopback, with a log of every request. It answers from the
//! conversation alone, fails where the prompt says so, and never remembers.
mod request;
mod stream;

use crate::{
    aim::{Trigger, What},
    model::{self, Reply},
};
use request::Request;
use serde_json::Value;
use std::{
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A request, and how far it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What `idempotency-key` said.
    pub(crate) key: String,
    /// What `x-attempt` said.
    pub(crate) attempt: u32,
    /// The body, as it came.
    pub(crate) body: String,
    /// The messages of the user.
    pub(crate) prompts: Vec<String>,
    /// How often the model has spoken since the last of them.
    pub(crate) round: usize,
    /// What the model says.
    pub(crate) reply: Reply,
    /// How far it has said it.
    pub(crate) said: Said,
}

impl Asked {
    /// The prompt that it belongs to.
    pub(crate) fn prompt(&self) -> &str {
        self.prompts.last().expect("no reply without a prompt")
    }
}

/// How far an answer was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Nothing,
    Some,
    All,
    /// An error, or half an answer, on purpose.
    Failed,
}

/// The provider.
pub(crate) struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    trigger: Arc<Trigger>,
    log: Mutex<Vec<Asked>>,
    complaints: Mutex<Vec<String>>,
    /// The prompt that the rounds of an aim are about.
    aimed: Mutex<String>,
    closed: AtomicBool,
}

impl Provider {
    pub(crate) fn start(trigger: Arc<Trigger>) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Shared {
            trigger,
            log: Mutex::default(),
            complaints: Mutex::default(),
            aimed: Mutex::default(),
            closed: AtomicBool::default(),
        };
        let shared = Arc::new(shared);
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), serving) = (stream, serving.clone()) else { continue };
                thread::spawn(move || serving.serve(stream));
            }
        });
        Provider { address, shared }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Says which prompt an aim is about.
    pub(crate) fn aim_at(&self, prompt: &str) {
        prompt.clone_into(&mut self.shared.aimed.lock().expect("no holder panics"));
    }

    /// Every request so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.shared.log.lock().expect("no holder panics").clone()
    }

    /// What was wrong with requests.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.shared.complaints.lock().expect("no holder panics").clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it is closed.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        stream.set_nodelay(true).expect("it is a socket");
        let mut out = stream.try_clone().expect("a socket has two ends");
        let mut from = BufReader::new(stream);
        while let Some(request) = Request::read(&mut from) {
            // It fails when the process was killed.
            if self.answer(&request, &mut out).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Request, out: &mut TcpStream) -> io::Result<()> {
        let Some(asked) = self.understood(request) else {
            return stream::error(out, 400, "invalid_request_error", None);
        };
        let (round, prompt, reply) = (asked.round, asked.prompt().to_owned(), asked.reply.clone());
        let fails = fault(&prompt, round).filter(|_| asked.attempt == 1);
        let number = self.note(asked);
        if *self.aimed.lock().expect("no holder panics") == prompt {
            self.saw(What::Round(round))?;
        }
        self.saw(What::Received)?;
        match fails {
            Some("429") => {
                self.mark(number, Said::Failed);
                return stream::error(out, 429, "rate_limit_exceeded", Some(0));
            }
            Some("500") => {
                self.mark(number, Said::Failed);
                return stream::error(out, 500, "server_error", None);
            }
            Some(_) | None => {}
        }
        stream::begin(out)?;
        let parts = stream::parts(&reply);
        let sent = if fails.is_some() { parts.len() / 2 } else { parts.len() };
        for part in &parts[..sent] {
            stream::part(out, part)?;
            self.mark(number, Said::Some);
            self.saw(What::Part)?;
        }
        if fails.is_some() {
            self.mark(number, Said::Failed);
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        stream::end(out)?;
        self.mark(number, Said::All);
        self.saw(What::Answered)
    }

    /// Says nothing more to who is dead: its socket would take it.
    fn saw(&self, what: What) -> io::Result<()> {
        if self.trigger.saw(what) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    fn understood(&self, request: &Request) -> Option<Asked> {
        let body: Value = serde_json::from_str(&request.body).ok()?;
        let messages = body["messages"].as_array()?;
        let understood = model::reply(messages);
        let complaint = match &understood {
            None => Some(format!("nobody can answer this: {}", request.body)),
            Some(_) => model::foreign(messages),
        };
        if let Some(complaint) = complaint {
            self.complaints.lock().expect("no holder panics").push(complaint);
        }
        let (_, round, reply) = understood?;
        let users = messages.iter().filter(|message| message["role"] == "user");
        Some(Asked {
            key: request.key.clone(),
            attempt: request.attempt,
            body: request.body.clone(),
            prompts: users.filter_map(|user| user["content"].as_str().map(str::to_owned)).collect(),
            round,
            reply,
            said: Said::Nothing,
        })
    }

    fn note(&self, asked: Asked) -> usize {
        let mut log = self.log.lock().expect("no holder panics");
        log.push(asked);
        log.len() - 1
    }

    fn mark(&self, number: usize, said: Said) {
        self.log.lock().expect("no holder panics")[number].said = said;
    }
}

/// What goes wrong in this round at the first attempt: a prompt says `Look 3, 429 in 0`.
fn fault(prompt: &str, round: usize) -> Option<&str> {
    let (_, fault) = prompt.split_once(", ")?;
    let (fault, at) = fault.split_once(" in ")?;
    (at.parse() == Ok(round)).then_some(fault)
}
