//! Tells one past of a conversation from another. A server that holds a conversation may be sent what is new only if what
//! it holds is what we would send; anything else that came before, be it cut, condensed or edited, has another number.
use domain::{Attachment, Message, ToolCall};

/// The number of a past: FNV-1a over all that was said, each text with its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past(u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Past {
    /// The past in which nothing was said.
    pub(crate) const EMPTY: Past = Past(OFFSET);

    /// The past of these messages, as it is written down.
    pub(crate) fn of(messages: &[Message]) -> Past {
        messages.iter().fold(Past::EMPTY, Past::and)
    }

    /// This past and one more message.
    pub(crate) fn and(self, message: &Message) -> Past {
        match message {
            Message::User { text, attachments } => attachments
                .iter()
                .fold(self.text("user").text(text), |past, Attachment { name, media_type, bytes }| {
                    past.text(name).text(media_type).bytes(bytes)
                }),
            // What the server wants back is not part of what was said.
            Message::Assistant { text, calls, state: _ } => {
                calls.iter().fold(self.text("assistant").text(text), |past, call| past.call(call))
            }
            Message::Tool { position, call, outcome: _, text } => {
                self.text("tool").bytes(&position.to_le_bytes()).call(call).text(text)
            }
        }
    }

    /// As it is written down.
    pub(crate) fn written(self) -> String {
        format!("{:016x}", self.0)
    }

    fn call(self, call: &ToolCall) -> Past {
        self.text(&call.id).text(&call.tool).text(&call.arguments)
    }
    fn text(self, text: &str) -> Past {
        self.bytes(text.as_bytes())
    }
    fn bytes(self, bytes: &[u8]) -> Past {
        let length = (bytes.len() as u64).to_le_bytes();
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        Past(length.iter().chain(bytes).fold(self.0, mix))
    }
}
