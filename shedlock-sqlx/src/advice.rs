/// What to look at when a database does not answer: a server's reasons are not those of a file.
#[derive(Debug)]
pub(crate) struct Advice {
    /// If no connection can be opened.
    pub(crate) unreachable: &'static str,
    /// If a call takes too long.
    pub(crate) silent: &'static str,
}

impl Advice {
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) const SERVER: Self = Self {
        unreachable: "is the server up, and are host, port and password right?",
        silent: "is the server up, and the network?",
    };

    #[cfg(feature = "sqlite")]
    pub(crate) const FILE: Self = Self {
        unreachable: "is the directory of its file there, and may both be read and written? If it is in memory: is the pool's connection in use?",
        silent: "does somebody else keep its file locked? If it is in memory: is the pool's connection in use?",
    };
}
