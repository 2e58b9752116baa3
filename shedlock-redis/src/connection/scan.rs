use std::collections::BTreeSet;
use std::sync::Arc;

use redis::{Cmd, FromRedisValue, RedisResult, cmd};

use super::open::OpenConnection;

/// How many keys a server looks at for one page. It does nothing else for that ms or two.
const COUNT: usize = 2_000;

/// All keys that match a pattern, on all masters, read page by page.
pub(crate) struct Scan {
    pattern: String,
    keys: BTreeSet<String>,
    /// None before the first page.
    progress: Option<Progress>,
}

/// Where a scan goes on. Only the servers that gave the bookmarks know what they mean.
struct Progress {
    connection: Arc<OpenConnection>,
    bookmarks: Vec<Bookmark>,
}

/// The beginning, or what one server said of its next page.
#[derive(Default)]
pub(super) struct Bookmark {
    pub(super) cursor: u64,
    /// None for all masters.
    #[cfg(feature = "cluster")]
    pub(super) node: Option<redis::cluster_routing::SingleNodeRoutingInfo>,
}

impl Scan {
    pub(crate) fn new(pattern: String) -> Self {
        Self {
            pattern,
            keys: BTreeSet::new(),
            progress: None,
        }
    }

    /// The connection that it has to stay on.
    pub(super) fn connection(&self) -> Option<&Arc<OpenConnection>> {
        Some(&self.progress.as_ref()?.connection)
    }

    pub(super) async fn next_page(&mut self, connection: &Arc<OpenConnection>) -> RedisResult<()> {
        let progress = self.progress.get_or_insert_with(|| Progress {
            connection: connection.clone(),
            bookmarks: vec![Bookmark::default()],
        });
        let Some(bookmark) = progress.bookmarks.pop() else {
            return Ok(());
        };
        let command = command(bookmark.cursor, &self.pattern);
        let pages = (**connection).clone().scan(command, bookmark).await?;
        for (page, mut bookmark) in pages {
            // A key that is no text is nobody's lock.
            self.keys
                .extend(page.keys.into_iter().flat_map(String::from_utf8));
            bookmark.cursor = page.next;
            if bookmark.cursor != 0 {
                progress.bookmarks.push(bookmark);
            }
        }
        Ok(())
    }

    /// Starts over after a page that did not come; what was read is kept.
    pub(crate) fn begin_again(&mut self) {
        self.progress = None;
    }

    pub(crate) fn is_over(&self) -> bool {
        let progress = self.progress.as_ref();
        progress.is_some_and(|progress| progress.bookmarks.is_empty())
    }

    pub(crate) fn into_keys(self) -> BTreeSet<String> {
        self.keys
    }
}

fn command(cursor: u64, pattern: &str) -> Cmd {
    let mut command = cmd("SCAN");
    command
        .arg(cursor)
        .arg("MATCH")
        .arg(pattern)
        .arg("COUNT")
        .arg(COUNT);
    command
}

pub(super) struct Page {
    /// 0 after the last one.
    next: u64,
    keys: Vec<Vec<u8>>,
}

impl FromRedisValue for Page {
    fn from_redis_value(value: redis::Value) -> Result<Self, redis::ParsingError> {
        let (next, keys) = FromRedisValue::from_redis_value(value)?;
        Ok(Self { next, keys })
    }
}
