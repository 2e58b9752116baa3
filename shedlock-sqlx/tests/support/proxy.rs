use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a client and a server and counts round trips: what the client says after the server spoke.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    trips: AtomicU32,
    client_spoke_last: AtomicBool,
}

impl Proxy {
    pub(crate) async fn to(host: &str, port: u16) -> Self {
        let server = format!("{host}:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let counts = Arc::new(Counts::default());
        tokio::spawn(serve(listener, server, counts.clone()));
        Self { port, counts }
    }

    /// Round trips since the last time it was asked.
    pub(crate) fn trips(&self) -> u32 {
        self.counts.trips.swap(0, SeqCst)
    }
}

async fn serve(listener: TcpListener, server: String, counts: Arc<Counts>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&server).await.expect("the server");
        let (client, server) = (client.into_split(), server.into_split());
        tokio::spawn(forward(client.0, server.1, counts.clone(), true));
        tokio::spawn(forward(server.0, client.1, counts.clone(), false));
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
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
