#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let pool = sqlx::PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    let hello: (String,) = sqlx::query_as("SELECT 'hello'").fetch_one(&pool).await?;
    println!("{}", hello.0);
    Ok(())
}
