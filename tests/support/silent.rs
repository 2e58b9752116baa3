use std::net::TcpListener;

/// Takes connections, and never speaks.
#[derive(Debug)]
pub struct Silent {
    /// On 127.0.0.1.
    pub port: u16,
    _listener: TcpListener,
}

impl Silent {
    /// On a free port.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self {
            port: listener.local_addr().expect("an address").port(),
            _listener: listener,
        }
    }
}
