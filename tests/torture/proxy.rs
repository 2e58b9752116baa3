//! A way to the store that can be disturbed.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does with what goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Pass,
    /// Everything comes so much later.
    Delay(Duration),
    /// Nothing comes, until the way is free again; then all of it.
    Hold,
    /// Statements come, answers are lost. Connections are cut afterwards.
    LoseAnswers,
    /// The server's side is closed to the client, which can still talk.
    HalfClose,
    /// Every connection is cut, and new ones at once.
    Cut,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    mode: watch::Sender<Mode>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Requests,
    Answers,
}

impl Proxy {
    pub(crate) async fn to(server: (String, u16)) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let mode = watch::Sender::new(Mode::Pass);
        tokio::spawn(serve(listener, server, mode.subscribe()));
        Ok(Self { port, mode })
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    pub(crate) fn heal(&self) {
        self.set(Mode::Pass);
    }
}

/// Ends with the proxy.
async fn serve(listener: TcpListener, server: (String, u16), mut mode: watch::Receiver<Mode>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ended(&mut mode) => return,
        };
        let Ok((client, _)) = accepted else { continue };
        let (server, mode) = (server.clone(), mode.clone());
        tokio::spawn(async move {
            if *mode.borrow() == Mode::Cut {
                return;
            }
            let Ok(server) = TcpStream::connect(server).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = pump(from_client, to_server, Direction::Requests, mode.clone()) => {}
                () = pump(from_server, to_client, Direction::Answers, mode) => {}
            }
        });
    }
}

async fn ended(mode: &mut watch::Receiver<Mode>) {
    while mode.changed().await.is_ok() {}
}

/// Carries one direction of a connection, until it is to be cut.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    mut mode: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut damage = Damage::None;
    loop {
        let now = *mode.borrow_and_update();
        match (now, direction) {
            (Mode::Cut, _) => return,
            (Mode::HalfClose, Direction::Answers) if damage != Damage::Closed => {
                let _ = to.shutdown().await;
                damage = Damage::Closed;
            }
            // What was left out cannot be made up for.
            (Mode::Pass | Mode::Delay(_) | Mode::Hold, _) if damage != Damage::None => return,
            _ => {}
        }
        let length = tokio::select! {
            changed = mode.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = from.read(&mut buffer) => match read {
                Ok(length @ 1..) => length,
                _ => return,
            },
        };
        let now = *mode.borrow();
        match (now, direction) {
            (Mode::Cut, _) => return,
            (Mode::LoseAnswers | Mode::HalfClose, Direction::Answers) => {
                damage = damage.max(Damage::Lost);
                continue;
            }
            (Mode::Delay(time), _) => tokio::time::sleep(time).await,
            // An error is the end of the proxy, which the next look finds out.
            (Mode::Hold, _) => drop(mode.wait_for(|mode| *mode != Mode::Hold).await),
            _ => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// What a direction has suffered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    None,
    Lost,
    Closed,
}
