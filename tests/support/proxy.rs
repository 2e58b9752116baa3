use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Stands between a client and a server. It counts connections and round trips, and may be slow,
/// keep answers to itself, or cut connections when the server has answered but before the client
/// knows.
#[derive(Debug)]
pub struct Proxy {
    /// The server's, but to here.
    pub url: String,
    state: Arc<State>,
}

/// What becomes of the server's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// They are passed on.
    #[default]
    Delivered,
    /// The next one is lost, and the connection with it; then they are delivered.
    NextLost,
    /// The one after the next.
    SecondLost,
    /// They never come, and connections stay open.
    Swallowed,
    /// The next one is delivered, and those after it are swallowed.
    NextDelivered,
    /// This is said instead of the next one; then they are delivered.
    NextSays(&'static str),
    /// The next one is lost, and the connection with it; then the way is cut.
    NextCuts,
    /// They are lost, and connections with them, and no other can be opened.
    Cut,
}

#[derive(Debug, Default)]
struct State {
    answers: Mutex<Answers>,
    /// By how many ms each answer is late.
    late: AtomicU64,
    opened: AtomicU32,
    /// What the client said after the server spoke.
    trips: AtomicU32,
    client_spoke_last: AtomicBool,
}

impl Proxy {
    /// On a free port, before the server of this URL.
    pub async fn to(url: &str) -> Self {
        Self::between("127.0.0.1:0", url).await
    }

    /// On this address.
    pub async fn between(address: &str, url: &str) -> Self {
        let server = authority(url).to_owned();
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State::default());
        let url = url.replacen(&server, &address, 1);
        tokio::spawn(serve(listener, server, state.clone()));
        Self { url, state }
    }

    /// From now on.
    pub fn answers(&self, answers: Answers) {
        *self.state.answers.lock().expect("no panic") = answers;
    }

    /// Whether what was to happen to the next one has happened.
    pub fn has_lost_an_answer(&self) -> bool {
        *self.state.answers.lock().expect("no panic") == Answers::Delivered
    }

    /// Each answer is so late, from now on.
    pub fn delay_answers(&self, delay: Duration) {
        let ms = delay.as_millis().try_into().expect("no eternity");
        self.state.late.store(ms, SeqCst);
    }

    /// Connections that there have been.
    pub fn opened(&self) -> u32 {
        self.state.opened.load(SeqCst)
    }

    /// Round trips since the last time it was asked.
    pub fn trips(&self) -> u32 {
        self.state.trips.swap(0, SeqCst)
    }
}

/// `host:port` in a URL.
fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split(['/', '?']).next().expect("an authority");
    let (_, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    address
}

async fn serve(listener: TcpListener, server: String, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.is_cut() {
            continue;
        }
        state.opened.fetch_add(1, SeqCst);
        let server = TcpStream::connect(&server).await.expect("the server");
        let (client, server) = (client.into_split(), server.into_split());
        let requests = pass_requests(client.0, server.1, state.clone());
        let answers = pass_answers(server.0, client.1, state.clone());
        // When one side ends, so does the other.
        tokio::spawn(async move {
            tokio::select! { () = requests => {} () = answers => {} }
        });
    }
}

async fn pass_requests(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, state: Arc<State>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = client.read(&mut buffer).await {
        if !state.client_spoke_last.swap(true, SeqCst) {
            state.trips.fetch_add(1, SeqCst);
        }
        if server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn pass_answers(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, state: Arc<State>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = server.read(&mut buffer).await {
        state.client_spoke_last.store(false, SeqCst);
        let late = state.late.load(SeqCst);
        if late > 0 {
            sleep(Duration::from_millis(late)).await;
        }
        let answer = match state.next_answer() {
            Answers::Delivered | Answers::SecondLost | Answers::NextDelivered => &buffer[..length],
            Answers::NextSays(text) => text.as_bytes(),
            Answers::Swallowed => continue,
            Answers::NextLost | Answers::NextCuts | Answers::Cut => return,
        };
        if client.write_all(answer).await.is_err() {
            return;
        }
    }
}

impl State {
    fn is_cut(&self) -> bool {
        *self.answers.lock().expect("no panic") == Answers::Cut
    }

    /// What becomes of this one.
    fn next_answer(&self) -> Answers {
        let mut answers = self.answers.lock().expect("no panic");
        let next = *answers;
        *answers = match next {
            Answers::NextLost | Answers::NextSays(_) => Answers::Delivered,
            Answers::SecondLost => Answers::NextLost,
            Answers::NextDelivered => Answers::Swallowed,
            Answers::NextCuts => Answers::Cut,
            lasting => lasting,
        };
        next
    }
}
