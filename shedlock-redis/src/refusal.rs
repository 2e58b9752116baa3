use std::fmt;

use redis::RedisError;

/// How the error of a failed script begins before Redis 7.
const OLD_SCRIPT: &str = "Error running script";

/// What servers up to 7.0 say instead of `NOPERM` when a script calls what its user may not.
const NO_RIGHT: &str = "The user executing the script can't ";

/// How errors begin of a server that does not run a script at all.
const NOT_RUN: [&str; 2] = ["Error compiling script", "unknown command"];

/// What errors of scripts have in them.
const SCRIPT: &str = "user_script";

/// How a proxy begins that passes on what its system says of the connection to a server.
const CONNECTION: [&str; 4] = [
    "Connection ",
    "Broken pipe",
    "No route to host",
    "Network is unreachable",
];

/// A server's own words when it refuses a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal<'a> {
    /// The word in capitals that says what kind of error it is.
    pub(crate) code: &'a str,
    pub(crate) text: &'a str,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

impl<'a> Refusal<'a> {
    /// None if the error is not the server's.
    pub(crate) fn of(error: &'a RedisError) -> Option<Self> {
        let code = error.code()?;
        let text = error.detail().unwrap_or_default().trim_end();
        let in_script = match code {
            "ERR" => Self::in_script(text),
            _ => None,
        };
        Some(in_script.unwrap_or(Self { code, text }))
    }

    /// Whether a proxy says that it heard nothing of the server: the codes of servers are in
    /// capitals.
    pub(crate) fn is_of_proxy(&self) -> bool {
        let begins = |words: &&str| self.text.starts_with(*words);
        self.code.contains(|char: char| char.is_ascii_lowercase())
            || self.code == "ERR" && CONNECTION.iter().any(begins)
    }

    /// Whether a script was not run, or ended by itself: ours do that before they write anything.
    pub(crate) fn is_of_script(&self) -> bool {
        let begins = |words: &&str| self.text.starts_with(*words);
        self.code == "ERR" && (self.text.contains(SCRIPT) || NOT_RUN.iter().any(begins))
    }

    /// Before Redis 7, the error of a command in a script stands at the end of the script's own
    /// error: `ERR Error running script (call to f_<hash>): @user_script:174: @user_script:
    /// 174: -READONLY You can't write ..`
    fn in_script(text: &'a str) -> Option<Self> {
        if text.starts_with(NO_RIGHT) {
            return Self::of_command(text);
        }
        if !text.starts_with(OLD_SCRIPT) {
            return None;
        }
        let ends = text.match_indices(": ").map(|(at, _)| &text[at + 2..]);
        ends.into_iter().find_map(Self::of_command)
    }

    fn of_command(error: &'a str) -> Option<Self> {
        if error.starts_with(NO_RIGHT) {
            let (code, text) = ("NOPERM", error);
            return Some(Self { code, text });
        }
        let (code, text) = error.split_once(' ').unwrap_or((error, ""));
        let code = code.strip_prefix('-').unwrap_or(code);
        is_code(code).then_some(Self { code, text })
    }
}

fn is_code(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Error running script (call to f_1fa3): @user_script:174: ";

    fn is_told_as(detail: &str, code: &str, text: &str) {
        let error = redis::make_extension_error("ERR".into(), Some(detail.into()));
        let refusal = Refusal::of(&error);
        assert_eq!(refusal, Some(Refusal { code, text }), "{detail}");
    }

    #[test]
    fn whose_words_they_are() {
        let script = "Error running script (call to f_1fa3): @user_script:174: ";
        let own = "user_script:98: what is remembered script: f_1fa3, on @user_script:98.";
        for (code, text, of_proxy, of_script) in [
            ("upstream", "failure", true, false),
            ("no", "upstream host", true, false),
            ("ERR", "Connection reset by peer", true, false),
            ("ERR", "something new", false, false),
            ("NEWCODE", "user_script", false, false),
            ("ERR", script, false, true),
            ("ERR", own, false, true),
            ("ERR", "unknown command 'EVALSHA'", false, true),
        ] {
            let refusal = Refusal { code, text };
            let told = (refusal.is_of_proxy(), refusal.is_of_script());
            assert_eq!(told, (of_proxy, of_script), "{refusal}");
        }
    }

    #[test]
    fn the_error_of_a_command_in_a_script() {
        for place in ["", "@user_script: 174: ", "@user_script: 174: -"] {
            let detail = format!("{OLD}{place}OOM command not allowed: full.\r\n");
            is_told_as(&detail, "OOM", "command not allowed: full.");
        }
        is_told_as(&format!("{OLD}BUSY"), "BUSY", "");
        let no_right = "The user executing the script can't run this command or subcommand";
        is_told_as(&format!("{OLD}{no_right}"), "NOPERM", no_right);
        is_told_as(no_right, "NOPERM", no_right);
    }

    #[test]
    fn what_has_no_code_of_its_own() {
        for detail in [
            "value is not an integer: OOM is no code here",
            &format!("{OLD}user_script:98: what is remembered has been overwritten"),
            &format!("{OLD}@user_script: 3: Unknown Redis command called from Lua script"),
            OLD,
        ] {
            is_told_as(detail, "ERR", detail.trim_end());
        }
    }
}
