use std::sync::LazyLock;

use redis::{Cmd, Script, cmd};

/// A script that the servers keep. Usually its hash is sent; its text only to a server that does not know it, for example after a
/// restart or a failover.
pub(crate) struct Kept {
    text: &'static str,
    script: LazyLock<Script>,
}

macro_rules! kept {
    ($($name:ident: $file:literal;)*) => {
        $(pub(crate) static $name: Kept = {
            const TEXT: &str = concat!(include_str!("scripts/common.lua"), include_str!($file));
            Kept {
                text: TEXT,
                script: LazyLock::new(|| Script::new(TEXT)),
            }
        };)*
    };
}

kept! {
    ACQUIRE: "scripts/acquire.lua";
    TAKE_BACK: "scripts/take_back.lua";
    EXTEND: "scripts/extend.lua";
    RELEASE: "scripts/release.lua";
    LOOK: "scripts/look.lua";
}

/// What a script is to deal with: one lock, or many, each with as many keys and arguments.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) keys: Vec<String>,
    pub(crate) arguments: Vec<String>,
}

impl Request {
    /// Those of many as one.
    pub(crate) fn joined(requests: impl Iterator<Item = Self>) -> Self {
        let (keys, arguments): (Vec<_>, Vec<_>) = requests
            .map(|request| (request.keys, request.arguments))
            .unzip();
        Self {
            keys: keys.into_iter().flatten().collect(),
            arguments: arguments.into_iter().flatten().collect(),
        }
    }

    /// That of one of so many.
    pub(crate) fn part(&self, number: usize, of: usize) -> Self {
        let part = |all: &[String]| {
            let size = all.len() / of;
            all[number * size..][..size].to_vec()
        };
        Self {
            keys: part(&self.keys),
            arguments: part(&self.arguments),
        }
    }
}

impl Kept {
    pub(crate) fn by_hash(&self, request: &Request) -> Cmd {
        command("EVALSHA", self.script.get_hash(), request)
    }

    pub(crate) fn by_text(&self, request: &Request) -> Cmd {
        command("EVAL", self.text, request)
    }
}

fn command(how: &str, script: &str, request: &Request) -> Cmd {
    let mut command = cmd(how);
    command
        .arg(script)
        .arg(request.keys.len())
        .arg(&request.keys)
        .arg(&request.arguments);
    command
}
