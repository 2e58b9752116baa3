use summer::{App, auto_config};
use summer_job::{JobConfigurator, JobPlugin, cron};

#[cron("0 */15 * * * *")]
async fn hello() {
    println!("hello");
}

#[auto_config(JobConfigurator)]
#[tokio::main]
async fn main() {
    App::new().add_plugin(JobPlugin).run().await
}
