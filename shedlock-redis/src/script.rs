use std::fmt::{Display, Write};
use std::sync::{Arc, LazyLock};

use redis::{Cmd, Script};

/// How many bytes a request's text has room for: more than most need.
const TEXT: usize = 512;

/// The same for a command's own text: its name, and how many keys there are.
const COMMAND: usize = 16;

/// A script that the servers keep. Usually only its hash is sent; its text goes to a server that
/// does not know it, for example after a restart or a failover.
pub(crate) struct CachedScript {
    text: &'static str,
    script: LazyLock<Script>,
}

/// Each script, with the functions that it needs before it, and no others, as every call of it
/// makes them anew.
macro_rules! scripts {
    ($($name:ident: $file:literal after $($functions:literal)*;)*) => {
        $(pub(crate) static $name: CachedScript = {
            const TEXT: &str = concat!(
                $(include_str!(concat!("scripts/common/", $functions, ".lua")),)*
                include_str!(concat!("scripts/", $file, ".lua")),
            );
            CachedScript {
                text: TEXT,
                script: LazyLock::new(|| Script::new(TEXT)),
            }
        };)*
    };
}

scripts! {
    ACQUIRE: "acquire" after "clock" "each" "time" "last_before" "last_ms" "value" "memory";
    TAKE_BACK: "take_back" after "clock" "time" "value" "memory";
    EXTEND: "extend" after "clock" "each" "last_before" "value";
    RELEASE: "release" after "clock" "each" "last_before" "value";
    LOOK: "look" after "clock" "time" "last_ms" "value" "memory";
    NOW: "now" after "clock";
}

/// What a script is told of one lock: its keys and its arguments, as many for every lock. They are
/// kept as one text, and not each by itself, as there may be very many requests.
pub(crate) struct Request {
    text: String,
    /// Where each part of the text ends.
    ends: Vec<usize>,
    keys: usize,
}

impl Request {
    pub(crate) fn new(keys: &[&dyn Display], arguments: &[&dyn Display]) -> Arc<Self> {
        let mut text = String::with_capacity(TEXT);
        let mut ends = Vec::with_capacity(keys.len() + arguments.len());
        for part in keys.iter().chain(arguments) {
            // A `String` takes everything.
            let _ = write!(text, "{part}");
            ends.push(text.len());
        }
        let keys = keys.len();
        Arc::new(Self { text, ends, keys })
    }

    /// The first key.
    pub(crate) fn lock(&self) -> &str {
        self.parts().next().unwrap_or_default()
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts().take(self.keys)
    }

    fn arguments(&self) -> impl Iterator<Item = &str> {
        self.parts().skip(self.keys)
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .map(|(begin, &end)| &self.text[begin..end])
    }
}

impl CachedScript {
    pub(crate) fn by_hash(&self, requests: &[Arc<Request>]) -> Cmd {
        command("EVALSHA", self.script.get_hash(), requests)
    }

    pub(crate) fn by_text(&self, requests: &[Arc<Request>]) -> Cmd {
        command("EVAL", self.text, requests)
    }
}

/// A command with the keys of all requests, then with the arguments of all.
fn command(how: &str, script: &str, requests: &[Arc<Request>]) -> Cmd {
    let sum = |of: fn(&Request) -> usize| requests.iter().map(|request| of(request)).sum::<usize>();
    let (parts, text) = (
        sum(|request| request.ends.len()),
        sum(|request| request.text.len()),
    );
    let mut command = Cmd::with_capacity(parts + 3, text + script.len() + COMMAND);
    command
        .arg(how)
        .arg(script)
        .arg(sum(|request| request.keys));
    for key in requests.iter().flat_map(|request| request.keys()) {
        command.arg(key);
    }
    for argument in requests.iter().flat_map(|request| request.arguments()) {
        command.arg(argument);
    }
    command
}
