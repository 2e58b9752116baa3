use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a client and a server: may be slow, or cut connections when the server has
/// answered but before the client knows.
pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// How many answers are to be lost.
    lose: AtomicU32,
    /// How many connections there have been.
    opened: AtomicU32,
    /// By how many ms each answer is late.
    late: AtomicU64,
    /// Whether the way is cut once an answer is lost.
    falls: AtomicBool,
    down: AtomicBool,
    silent: AtomicBool,
    /// What is said instead of the next answer.
    instead: Mutex<Option<String>>,
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        Self::between("127.0.0.1:0", url).await
    }

    pub(crate) async fn between(address: &str, url: &str) -> Self {
        let server = url.trim_start_matches("redis://").to_owned();
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        tokio::spawn(serve(listener, server, state.clone()));
        Self {
            url: format!("redis://{address}"),
            state,
        }
    }

    pub(crate) fn opened(&self) -> u32 {
        self.state.opened.load(SeqCst)
    }

    pub(crate) fn lose_next_answer(&self) {
        self.state.lose.store(1, SeqCst);
    }

    /// Loses the next answer, and lets nothing through after it.
    pub(crate) fn go_down_with_next_answer(&self) {
        self.state.falls.store(true, SeqCst);
        self.lose_next_answer();
    }

    pub(crate) fn come_back(&self) {
        self.state.falls.store(false, SeqCst);
        self.state.down.store(false, SeqCst);
    }

    /// No answer gets through any more, and no connection ends.
    pub(crate) fn fall_silent(&self) {
        self.state.silent.store(true, SeqCst);
    }

    /// Answers the next command itself, once the server has done it.
    pub(crate) fn refuse_next_answer(&self, refusal: &str) {
        *self.state.instead.lock().expect("no panic") = Some(format!("-{refusal}\r\n"));
    }

    pub(crate) fn delay_answers(&self, delay: Duration) {
        let ms = delay.as_millis().try_into().expect("no eternity");
        self.state.late.store(ms, SeqCst);
    }
}

impl State {
    /// Whether this answer is lost.
    fn loses(&self) -> bool {
        let lose = |left: u32| left.checked_sub(1);
        let lost = self.lose.fetch_update(SeqCst, SeqCst, lose).is_ok();
        if lost && self.falls.load(SeqCst) {
            self.down.store(true, SeqCst);
        }
        lost
    }
}

async fn serve(listener: TcpListener, server: String, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.down.load(SeqCst) {
            continue;
        }
        state.opened.fetch_add(1, SeqCst);
        let server = TcpStream::connect(&server).await.expect("the server");
        let state = state.clone();
        tokio::spawn(async move {
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let requests = tokio::io::copy(&mut from_client, &mut to_server);
            let answers = async {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
                    tokio::time::sleep(Duration::from_millis(state.late.load(SeqCst))).await;
                    if state.silent.load(SeqCst) {
                        continue;
                    }
                    let instead = state.instead.lock().expect("no panic").take();
                    let answer = instead.as_ref().map_or(&buffer[..length], String::as_bytes);
                    if state.loses() || to_client.write_all(answer).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                _ = requests => {}
                () = answers => {}
            }
        });
    }
}
