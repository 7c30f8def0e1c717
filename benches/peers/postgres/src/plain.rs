//! By hand: a table of events, a row for each customer, and one statement that fills both from a batch of arrays.

use std::time::Instant;

use sqlx::{Pool, Postgres};

use crate::{Done, Failure, Touchpoint};

const BATCH: usize = 1_000;

const TABLES: [&str; 2] = [
    "CREATE TABLE touchpoints (position bigserial PRIMARY KEY, source text NOT NULL, id text NOT NULL, event jsonb NOT NULL, \
     UNIQUE (source, id))",
    "CREATE TABLE customers (customer text PRIMARY KEY, orders bigint NOT NULL, cents bigint NOT NULL, last_seen text NOT NULL)",
];

/// What is there already neither counts again nor is written again.
const APPEND: &str = "
WITH batch AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
        AS batch (source, id, event, customer, cents, time)
), fresh AS (
    INSERT INTO touchpoints (source, id, event) SELECT source, id, event::jsonb FROM batch
    ON CONFLICT (source, id) DO NOTHING RETURNING source, id
)
INSERT INTO customers (customer, orders, cents, last_seen)
SELECT customer, count(cents), coalesce(sum(cents), 0), max(time) FROM batch JOIN fresh USING (source, id) GROUP BY customer
ON CONFLICT (customer) DO UPDATE SET
    orders = customers.orders + excluded.orders,
    cents = customers.cents + excluded.cents,
    last_seen = greatest(customers.last_seen, excluded.last_seen)";

pub async fn run(pool: &Pool<Postgres>, touchpoints: &[Touchpoint], reads: &[String]) -> Result<Done, Failure> {
    for table in TABLES {
        sqlx::query(table).execute(pool).await?;
    }
    let mut connection = pool.acquire().await?;
    let began = Instant::now();
    for batch in touchpoints.chunks(BATCH) {
        let texts = |of: fn(&Touchpoint) -> &str| batch.iter().map(of).collect::<Vec<&str>>();
        sqlx::query(APPEND)
            .bind(texts(|touchpoint| &touchpoint.source))
            .bind(texts(|touchpoint| &touchpoint.id))
            .bind(texts(|touchpoint| touchpoint.event.get()))
            .bind(texts(|touchpoint| &touchpoint.customer))
            .bind(batch.iter().map(|touchpoint| touchpoint.cents).collect::<Vec<_>>())
            .bind(texts(|touchpoint| &touchpoint.time))
            .execute(&mut *connection)
            .await?;
    }
    let appending = began.elapsed();
    let began = Instant::now();
    for customer in reads {
        let _: (i64, i64, String) =
            sqlx::query_as("SELECT orders, cents, last_seen FROM customers WHERE customer = $1")
                .bind(customer)
                .fetch_one(&mut *connection)
                .await?;
    }
    let reading = began.elapsed();
    let sums = sqlx::query_as("SELECT sum(orders)::bigint, sum(cents)::bigint FROM customers").fetch_one(pool).await?;
    Ok(Done::new(touchpoints.len(), appending, reads.len(), reading, sums))
}
