use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// All that is logged in this thread, at every level, by everybody.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// As long as there is only one subscriber, a place that logs in a thread without one first is
/// silent for all threads: tracing asks that thread's only. So there is another one.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

impl Log {
    /// Until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        LazyLock::force(&ANOTHER);
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let listening = tracing::subscriber::set_default(subscriber.finish());
        tracing::info!("listening");
        listening
    }

    /// What was said since it listens.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned();
        assert!(text.contains("listening"), "{text}");
        text
    }

    /// The first line that has these words.
    pub fn line(&self, words: &str) -> Option<String> {
        let text = self.text();
        text.lines()
            .find(|line| line.contains(words))
            .map(str::to_owned)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
