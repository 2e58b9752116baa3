/// How this process names itself in `locked_by` unless told otherwise: `host:pid`. Asks the
/// operating system, no store.
///
/// ```
/// let holder = shedlock_core::default_holder();
/// assert!(holder.ends_with(&format!(":{}", std::process::id())));
/// ```
pub fn default_holder() -> String {
    let host = gethostname::gethostname();
    format!("{}:{}", host.to_string_lossy(), std::process::id())
}
