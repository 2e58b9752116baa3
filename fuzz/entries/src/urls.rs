use std::error::Error;
use std::fmt::{Debug, Display};

use shedlock_redis::{RedisConnection, RedisLockProvider};

/// Stands for a password in a URL: nothing may repeat it.
pub const SECRET: &str = "S3CRET";

/// The URL of a store. It is opened nowhere.
pub fn store_url(text: &str) {
    told(text, shedlock_sqlx::SqlxLockProvider::connect(text));
    told(text, RedisConnection::url(text));
    told(text, RedisConnection::url(text).map(RedisLockProvider::new));
    told(
        text,
        RedisConnection::sentinel("master", [text], Default::default()),
    );
}

/// Neither what was made of it nor what was wrong with it shows its secret.
fn told<T: Debug, E: Error>(text: &str, parsed: Result<T, E>) {
    if !text.contains(SECRET) {
        return;
    }
    match parsed {
        Ok(opened) => hides(&format!("{opened:?}")),
        Err(error) => {
            hides(&format!("{error:?}"));
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                hides(&error as &dyn Display);
                cause = error.source();
            }
        }
    }
}

fn hides(told: &dyn Display) {
    let told = told.to_string();
    assert!(!told.contains(SECRET), "{told}");
}
