//! A server on loopback that answers every request with the same bytes, in a thread for each connection.
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

/// What is answered.
pub(super) struct Script {
    /// At once.
    pub(super) first: String,
    /// Again and again, with a rest before each.
    pub(super) word: String,
    pub(super) words: usize,
    pub(super) rest: Duration,
    /// At the end.
    pub(super) last: String,
}

/// Serves until the program ends, and returns where.
pub(super) fn serve(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = script.clone();
            // A client that goes away ends its thread.
            thread::spawn(move || drop(answer(stream, &script)));
        }
    });
    address
}

fn answer(stream: TcpStream, script: &Script) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    let length = script.first.len() + script.words * script.word.len() + script.last.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n");
    while read(&mut reader)? {
        writer.write_all(format!("{head}{}", script.first).as_bytes())?;
        for _ in 0..script.words {
            thread::sleep(script.rest);
            writer.write_all(script.word.as_bytes())?;
        }
        writer.write_all(script.last.as_bytes())?;
    }
    Ok(())
}

/// Reads a request; returns false when there is none any more.
fn read(reader: &mut impl BufRead) -> std::io::Result<bool> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        if let Some(stated) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = stated.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(true)
}
