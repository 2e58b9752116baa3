use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a client and a server. It counts round trips, what the client says after the
/// server spoke, and may keep answers to itself.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    counts: Arc<Counts>,
}

/// What becomes of the server's answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Delivered,
    /// The next one is lost, and the connection with it; then they are delivered.
    NextLost,
    /// The one after the next.
    SecondLost,
    /// They never come, and connections stay open.
    Swallowed,
    /// The next one is delivered, and those after it are swallowed.
    NextDelivered,
    /// The next one is lost, and the connection with it, and no other can be opened.
    Cut,
}

struct Counts {
    trips: AtomicU32,
    client_spoke_last: AtomicBool,
    answers: Mutex<Answers>,
}

impl Proxy {
    pub(crate) async fn to(host: &str, port: u16) -> Self {
        let server = format!("{host}:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let counts = Arc::new(Counts {
            trips: AtomicU32::new(0),
            client_spoke_last: AtomicBool::new(false),
            answers: Mutex::new(Answers::Delivered),
        });
        tokio::spawn(serve(listener, server, counts.clone()));
        Self { port, counts }
    }

    /// Round trips since the last time it was asked.
    pub(crate) fn trips(&self) -> u32 {
        self.counts.trips.swap(0, SeqCst)
    }

    /// From now on.
    pub(crate) fn answers(&self, answers: Answers) {
        *self.counts.answers.lock().expect("no panic") = answers;
    }

    pub(crate) fn has_lost_an_answer(&self) -> bool {
        *self.counts.answers.lock().expect("no panic") == Answers::Delivered
    }
}

async fn serve(listener: TcpListener, server: String, counts: Arc<Counts>) {
    while let Ok((client, _)) = listener.accept().await {
        if counts.is_cut() {
            continue;
        }
        let server = TcpStream::connect(&server).await.expect("the server");
        let (client, server) = (client.into_split(), server.into_split());
        let requests = forward(client.0, server.1, counts.clone(), true);
        let answers = forward(server.0, client.1, counts.clone(), false);
        // When one side ends, so does the other.
        tokio::spawn(async move {
            tokio::select! { () = requests => {} () = answers => {} }
        });
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    counts: Arc<Counts>,
    from_client: bool,
) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let client_spoke_last = counts.client_spoke_last.swap(from_client, SeqCst);
        if from_client && !client_spoke_last {
            counts.trips.fetch_add(1, SeqCst);
        }
        if !from_client {
            match counts.next_answer() {
                Answers::Delivered | Answers::SecondLost | Answers::NextDelivered => {}
                Answers::NextLost | Answers::Cut => return,
                Answers::Swallowed => continue,
            }
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

impl Counts {
    fn is_cut(&self) -> bool {
        *self.answers.lock().expect("no panic") == Answers::Cut
    }

    fn next_answer(&self) -> Answers {
        let mut answers = self.answers.lock().expect("no panic");
        let next = *answers;
        *answers = match next {
            Answers::NextLost => Answers::Delivered,
            Answers::SecondLost => Answers::NextLost,
            Answers::NextDelivered => Answers::Swallowed,
            lasting => lasting,
        };
        next
    }
}
