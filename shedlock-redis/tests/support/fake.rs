use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

/// Speaks like a Redis whose scripts answer what a test wants, for states and versions that no real
/// server here can be brought into.
pub(crate) struct Fake {
    pub(crate) url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    opened: AtomicU32,
    scripts: AtomicU32,
}

impl Fake {
    /// `answer` is told the words of each call of a script. None leaves the call without an answer.
    pub(crate) async fn start(
        answer: impl Fn(&[String]) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let counts = Arc::new(Counts::default());
        let (answer, counted) = (Arc::new(answer), counts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.opened.fetch_add(1, SeqCst);
                let (answer, counted) = (answer.clone(), counted.clone());
                tokio::spawn(async move { serve(client, &*answer, &counted).await });
            }
        });
        Self {
            url: format!("redis://127.0.0.1:{port}"),
            counts,
        }
    }

    /// Every acquire is refused in these words.
    pub(crate) async fn refusing(refusal: &str) -> Self {
        let refusal = format!("-{refusal}\r\n");
        Self::start(move |call| {
            Some(match locks_of_acquire(call) {
                1 => refusal.clone(),
                many => format!("*{many}\r\n{}", "$6\r\nfailed\r\n".repeat(many)),
            })
        })
        .await
    }

    pub(crate) fn opened(&self) -> u32 {
        self.counts.opened.load(SeqCst)
    }

    /// How many scripts were called.
    pub(crate) fn scripts(&self) -> u32 {
        self.counts.scripts.load(SeqCst)
    }
}

/// The answer to an acquire of one lock.
pub(crate) fn granted() -> String {
    let told = "acquired 1772366400 0 4102444800000 ADDED:2026-03-01T12:00:00.000000Z@a:uuid";
    format!("*1\r\n${}\r\n{told}\r\n", told.len())
}

/// Each has two keys.
pub(crate) fn locks_of_acquire(call: &[String]) -> usize {
    let keys: usize = call[2].parse().expect("a number of keys");
    keys / 2
}

async fn serve(
    client: TcpStream,
    answer: &(impl Fn(&[String]) -> Option<String> + Sync),
    counts: &Counts,
) -> io::Result<()> {
    let (from_client, mut to_client) = client.into_split();
    let mut from_client = BufReader::new(from_client);
    loop {
        let call = words(&mut from_client).await?;
        let said = if call[0].starts_with("EVAL") {
            counts.scripts.fetch_add(1, SeqCst);
            answer(&call)
        } else {
            Some("+OK\r\n".to_owned())
        };
        if let Some(said) = said {
            to_client.write_all(said.as_bytes()).await?;
        }
    }
}

/// The next command.
async fn words(from_client: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..number(from_client).await? {
        let length = number(from_client).await?;
        let mut word = vec![0; length + "\r\n".len()];
        from_client.read_exact(&mut word).await?;
        word.truncate(length);
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    Ok(words)
}

/// Of a line like `*3` or `$7`.
async fn number(from_client: &mut BufReader<OwnedReadHalf>) -> io::Result<usize> {
    let mut line = String::new();
    from_client.read_line(&mut line).await?;
    let number = line.trim_end().get(1..).and_then(|rest| rest.parse().ok());
    number.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
