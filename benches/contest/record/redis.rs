//! What `MONITOR` tells of the commands that come to a Redis.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::DateTime;
use futures_util::{Stream, StreamExt};
use redis::Client;
use redis::aio::MultiplexedConnection;
use shedlock::redis::RedisLockProvider;

use super::{Marks, Script, Tap, rehearse};

/// An argument, in which some parts differ from call to call.
pub(crate) type Argument = Vec<Part>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Name,
    /// In microseconds since the Unix epoch.
    FireTime,
    /// As `2026-03-01T12:00:00.000000Z`.
    FireTimeIso,
    /// New for each acquisition.
    Uuid,
}

pub(crate) async fn redis(url: &str) -> Result<Script<Vec<Argument>>> {
    let client = Client::open(url)?;
    let heard = client
        .get_async_monitor()
        .await?
        .into_on_message::<String>();
    let ask = client.get_multiplexed_async_connection().await?;
    let locks = RedisLockProvider::connect(url)?;
    rehearse(
        &locks,
        &mut Ear {
            heard: Box::pin(heard),
            ask,
            takes: 0,
        },
    )
    .await
}

struct Ear<S> {
    heard: S,
    ask: MultiplexedConnection,
    takes: u32,
}

impl<S: Stream<Item = String> + Unpin> Tap for Ear<S> {
    type Statement = Vec<Argument>;

    async fn take(&mut self, marks: &Marks) -> Result<Vec<Vec<Argument>>> {
        self.takes += 1;
        let end = format!("take-{}-of-{}", self.takes, std::process::id());
        redis::cmd("PING")
            .arg(&end)
            .exec_async(&mut self.ask)
            .await?;
        let mut sent = Vec::new();
        loop {
            let line = tokio::time::timeout(Duration::from_secs(10), self.heard.next()).await?;
            let line = line.context("MONITOR has ended")?;
            // What scripts do is not sent.
            let Some((_, command)) = line
                .split_once("] ")
                .filter(|(from, _)| !from.ends_with("lua"))
            else {
                continue;
            };
            let words = words(command);
            match &words[..] {
                [ping, text] if ping == "PING" && *text == end => return Ok(sent),
                [command, ..]
                    if command.eq_ignore_ascii_case("client")
                        || command.eq_ignore_ascii_case("hello") => {}
                words => sent.push(words.iter().map(|word| argument(word, marks)).collect()),
            }
        }
    }
}

/// `"SET" "a \"key\"" "1"`
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut signs = command.chars();
    while let Some(sign) = signs.next() {
        match (sign, &mut word) {
            ('"', None) => word = Some(String::new()),
            ('"', Some(_)) => words.extend(word.take()),
            ('\\', Some(word)) => word.extend(signs.next().map(|sign| match sign {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            (sign, Some(word)) => word.push(sign),
            (_, None) => {}
        }
    }
    words
}

fn argument(word: &str, marks: &Marks) -> Argument {
    let iso = DateTime::from_timestamp_micros(marks.fire_time).unwrap_or_default();
    let marked = [
        (marks.name.clone(), Part::Name),
        (marks.fire_time.to_string(), Part::FireTime),
        (iso.format("%FT%T%.6fZ").to_string(), Part::FireTimeIso),
        (uuid(word).unwrap_or_default().to_owned(), Part::Uuid),
    ];
    let mut parts = Vec::new();
    let mut rest = word;
    loop {
        let marked = marked.iter().filter(|(text, _)| !text.is_empty());
        let next = marked.filter_map(|(text, part)| Some((rest.find(text.as_str())?, text, part)));
        let Some((found, text, part)) = next.min_by_key(|(found, ..)| *found) else {
            break;
        };
        parts.extend([Part::Text(rest[..found].to_owned()), part.clone()]);
        rest = &rest[found + text.len()..];
    }
    parts.push(Part::Text(rest.to_owned()));
    parts
}

fn uuid(word: &str) -> Option<&str> {
    let texts = (0..word.len()).filter_map(|start| word.get(start..start + 36));
    texts.into_iter().find(|text| {
        text.char_indices().all(|(index, sign)| match index {
            8 | 13 | 18 | 23 => sign == '-',
            _ => sign.is_ascii_hexdigit(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_what_was_sent() {
        let words = words(r#""SET" "k:job" "17 host:0b8d2c3e-9f6a-4d57-8a11-2f0c9d7e6b54" "\"""#);
        assert_eq!((words.len(), &*words[3]), (4, "\""));
        let marks = Marks {
            name: "job".to_owned(),
            fire_time: 17,
        };
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(
            argument(&words[1], &marks),
            [text("k:"), Part::Name, text("")]
        );
        let value = [
            text(""),
            Part::FireTime,
            text(" host:"),
            Part::Uuid,
            text(""),
        ];
        assert_eq!(argument(&words[2], &marks), value);
    }
}
