use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// As long as nobody needs to connect on this machine.
const ETERNITY: Duration = Duration::from_millis(200);

/// An address that answers no attempt to connect, like that of a host without power.
pub(crate) struct Unreachable {
    pub(crate) host: String,
    _full: (TcpListener, Vec<TcpStream>),
}

impl Unreachable {
    pub(crate) async fn at(host: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let address = host.parse().expect("an address");
        socket.bind(address).expect("a free port");
        // Nobody accepts who comes, and when this many wait, the system ignores the others.
        let listener = socket.listen(1).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(connected) = timeout(ETERNITY, TcpStream::connect(address)).await {
            waiting.push(connected.expect("a connection"));
        }
        Self {
            host: address.to_string(),
            _full: (listener, waiting),
        }
    }
}
