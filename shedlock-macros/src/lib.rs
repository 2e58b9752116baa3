//! The attributes [`macro@scheduled`] and [`macro@locked`] of `shedlock`, which re-exports them.
//!
//! Both go the same way: `parse` reads what is written into a `model`, `check` looks for what is
//! wrong, `expand` writes code. Mistakes are collected on the way and told all at once, each at the
//! tokens that make it.
//!
//! The examples here cannot be compiled here, as this crate cannot depend on `shedlock`: those in
//! the documentation of `shedlock` are, and `tests/macros` and `tests/compile-fail` hold every form
//! and every mistake.

mod arguments;
mod errors;
mod function;
mod lease;
mod local;
mod locked;
mod scheduled;
mod span;
mod value;

use proc_macro::TokenStream;

/// Makes an async fn a job: it runs when its schedule says so, and with `lock` once per fire time,
/// on one node of many.
///
/// ```ignore
/// #[scheduled(cron = "0 */15 * * * *", lock = "send-report", at_least = "59s", at_most = "14m")]
/// async fn send_report(Data(mailer): Data<Arc<Mailer>>, run: Run) -> anyhow::Result<()> {
///     mailer.send(run.fire_time()).await
/// }
/// ```
///
/// Every job that is linked into a program is run by `Scheduler::builder(locks).build()`. The
/// attribute also makes a type of the fn's name, so that `.job::<send_report>()` can choose single
/// jobs instead; one `use` brings the fn and the type. (So a module of that name cannot stand
/// beside the fn, as both are types to the compiler. A crate of that name is hidden: a job that
/// uses the crate `reports` must not be named `reports`. And documentation links to the fn as
/// ``[`send_report()`]``, as without parentheses the link could mean either.)
///
/// The fn stays an ordinary fn that a test can call: `send_report(Data(mailer), run).await`.
///
/// # The fn
/// A free `async fn`, not generic. It takes any number of `Data<T>` (a value that the service
/// registered with `.data(value)`) and `Run` (its own run), in any order, by value, and returns
/// `()` or `Result<(), E>` where `E: Display`. It has one schedule, and takes its lock with `lock`:
/// neither a second `#[scheduled]` nor `#[locked]` can stand beside the first.
///
/// It cannot stand in an `impl` or a `trait`, even without `self`: the type that the attribute
/// makes cannot stand there, and the compiler says "struct is not supported in `trait`s or
/// `impl`s". Move the fn out, or write a free fn that calls it.
///
/// # Arguments
///
/// | argument | value | meaning |
/// |---|---|---|
/// | `cron` | `"0 */15 * * * *"` | when the job is due: a cron line of six fields as in Spring, five as in crontab, seven with a year, or a macro such as `@daily` |
/// | `every` | `"30s"` | instead of `cron`: at the multiples of a period since the Unix epoch, on all nodes alike |
/// | `zone` | `"Europe/Berlin"` | the time zone of the cron line; the builder's `default_zone`, and UTC, without it. A period has the same fire times in every zone, so beside one of more than an hour it is an error |
/// | `lock` | `"send-report"` | the lock that makes each fire time run once, on one node. Without it the job runs on every node. The name has no placeholders |
/// | `at_most` | `"14m"` | how long a run may hold the lock: after that it is free even if its node died. The builder's `default_at_most` without it |
/// | `at_least` | `"59s"` | how long the lock stays taken at least, however soon the run ends |
/// | `keep_alive` | none, or a `bool` | the lease is renewed for as long as the run goes on, so that `at_most` only bounds how long a dead node holds it |
/// | `on_lost` | `"cancel"`, `"continue"` | what becomes of a run whose lease is lost: cancelled at its next await (without the argument), or not |
/// | `misfire` | `"skip"`, `"once"` | what becomes of fire times that nobody ran when they were due: nothing (without the argument), or the latest is made up for, once |
/// | `provider` | `"reports"` | the lock provider of that name; the scheduler's first one without it |
/// | `name` | `"send-report"` | the job's name in logs, metrics and configuration; the fn's name without it |
/// | `crate` | `my_crate::shedlock` | where the library is, if not at `::shedlock` |
///
/// One of `cron` and `every` has to be there. `at_most`, `at_least`, `keep_alive`, `on_lost`,
/// `provider` and `misfire = "once"` need a `lock`. A duration is written as `"59s"`, `"1m 30s"`,
/// `"500ms"`, or as in ISO 8601, `"PT59S"`.
///
/// A value is a literal, which is checked when the program is compiled, or any expression, which is
/// evaluated when the scheduler is built and whose mistakes are errors of `build()`: texts, also
/// `Duration`s for durations, `OnLost` and `Misfire`.
///
/// ```ignore
/// #[scheduled(every = REPORTS.period, lock = lock_name("report"), at_most = Duration::from_secs(60), on_lost = OnLost::Continue)]
/// async fn send_report() {}
/// ```
#[proc_macro_attribute]
pub fn scheduled(arguments: TokenStream, item: TokenStream) -> TokenStream {
    scheduled::scheduled(arguments.into(), item.into()).into()
}

/// Puts a lock around an async fn, whoever calls it: where the lock is held by somebody else, the
/// call is skipped.
///
/// ```ignore
/// impl Importer {
///     #[locked(provider = self.locks, name = "import-{tenant}", at_most = "10m")]
///     async fn import(&self, tenant: &str) -> Result<u64, ImportError> {
///         // ..
///     }
/// }
///
/// match importer.import("acme").await? {
///     Outcome::Ran(result) => println!("{} rows", result?),
///     Outcome::Skipped(held) => println!("{} imports until {}", held.holder, held.until),
/// }
/// ```
///
/// A fn that was written with the result `R` returns `Result<Outcome<R>, LockError>`:
/// `Outcome::Ran(result)` if it ran, `Outcome::Skipped(held)` if somebody else has the lock, and an
/// error if the store did not decide, in which case nothing ran. Within one task a lock that is
/// held already is entered again.
///
/// # The fn
/// Any `async fn`: free, a method, generic, with lifetimes. In an impl of a trait (also under
/// `#[async_trait]`) the trait declares the method with the result that it has then,
/// `Result<Outcome<R>, LockError>`. It awaits its work itself: a future as its result would be
/// awaited after the lock was released.
///
/// # Arguments
///
/// | argument | value | meaning |
/// |---|---|---|
/// | `provider` | `self.locks` | what takes the lock: an expression for a lock provider, an `Arc` of one, or a `LockExecutor` (which brings observers), which is cloned. For a reference, an `Arc` of a `LockExecutor`, or a `LazyLock`, write `*locks` |
/// | `name` | `"import-{tenant}"` | the lock's name, with the fn's arguments as in `format!`, or an expression of a text: `format!("import-{}", self.tenant)`. Placeholders work in a literal only: a constant is taken as it stands |
/// | `at_most` | `"10m"` | how long the lock may be held: after that it is free even if its holder died |
/// | `at_least` | `"1m"` | how long the lock stays taken at least, however soon the fn ends |
/// | `keep_alive` | none, or a `bool` | whether the lease is renewed for as long as the fn runs; without the argument as the `LockExecutor` has it, and not for a provider |
/// | `on_lost` | `"cancel"`, `"continue"` | what becomes of the fn when the lease is lost: cancelled at its next await, or not; without the argument as the `LockExecutor` has it, and cancelled for a provider |
/// | `crate` | `my_crate::shedlock` | where the library is, if not at `::shedlock` |
///
/// The first three have to be there. A value is a literal, which is checked when the program is
/// compiled, or an expression, which is evaluated at each call, before the fn's body, and sees the
/// fn's arguments.
#[proc_macro_attribute]
pub fn locked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    locked::locked(arguments.into(), item.into()).into()
}
