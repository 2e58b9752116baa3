use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

/// All that is logged in this thread, at every level, by everybody.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
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
