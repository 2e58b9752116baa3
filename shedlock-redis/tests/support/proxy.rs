use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a client and a server, and cuts connections when the server has answered but before the client knows.
pub(crate) struct Proxy {
    pub(crate) url: String,
    /// How many answers are to be lost.
    lose: Arc<AtomicU32>,
    /// How many connections there have been.
    opened: Arc<AtomicU32>,
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        let server = url.trim_start_matches("redis://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let lose = Arc::new(AtomicU32::new(0));
        let opened = Arc::new(AtomicU32::new(0));
        tokio::spawn(serve(listener, server, lose.clone(), opened.clone()));
        Self {
            url: format!("redis://127.0.0.1:{port}"),
            lose,
            opened,
        }
    }

    pub(crate) fn opened(&self) -> u32 {
        self.opened.load(SeqCst)
    }

    pub(crate) fn lose_next_answer(&self) {
        self.lose.store(1, SeqCst);
    }
}

async fn serve(
    listener: TcpListener,
    server: String,
    lose: Arc<AtomicU32>,
    opened: Arc<AtomicU32>,
) {
    while let Ok((client, _)) = listener.accept().await {
        opened.fetch_add(1, SeqCst);
        let server = TcpStream::connect(&server).await.expect("the server");
        let lose = lose.clone();
        tokio::spawn(async move {
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let requests = tokio::io::copy(&mut from_client, &mut to_server);
            let answers = async {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
                    let lost = lose.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
                    if lost.is_ok() || to_client.write_all(&buffer[..length]).await.is_err() {
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
