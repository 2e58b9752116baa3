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

impl Kept {
    pub(crate) fn by_hash(&self, keys: &[String], arguments: &[String]) -> Cmd {
        command("EVALSHA", self.script.get_hash(), keys, arguments)
    }

    pub(crate) fn by_text(&self, keys: &[String], arguments: &[String]) -> Cmd {
        command("EVAL", self.text, keys, arguments)
    }
}

fn command(how: &str, script: &str, keys: &[String], arguments: &[String]) -> Cmd {
    let mut command = cmd(how);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
