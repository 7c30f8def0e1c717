// The job of the part `peers` with Emmett on SQLite.
//
// A stream for each customer, and an inline projection, which Emmett keeps in the transaction of the append, into a row for
// each customer. What a batch of 1,000 touchpoints says of one customer is one append, as the event store takes several
// events of one stream at a time. One connection (`singleton`). Arguments: a folder, the touchpoints (NDJSON), the
// customers to read (one a line).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projections } from '@event-driven-io/emmett';
import { getSQLiteEventStore, sqliteConnection, sqliteRawBatchSQLProjection } from '@event-driven-io/emmett-sqlite';

const BATCH = 1_000;

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

const customers = sqliteRawBatchSQLProjection({
  canHandle: ['Recorded'],
  initSQL: `CREATE TABLE IF NOT EXISTS customers (
    customer TEXT PRIMARY KEY, orders INTEGER NOT NULL, cents INTEGER NOT NULL, last_seen TEXT NOT NULL)`,
  evolve: (events) =>
    events.map(({ data: { customer, cents, time } }) => {
      const row = [quoted(customer), cents === null ? 0 : 1, cents ?? 0, quoted(time)];
      return `INSERT INTO customers VALUES (${row.join(', ')}) ON CONFLICT (customer) DO UPDATE SET
        orders = orders + excluded.orders, cents = cents + excluded.cents, last_seen = max(last_seen, excluded.last_seen)`;
    }),
});

const [folder, touchpointsFile, readsFile] = process.argv.slice(2);
const lines = (file) => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
const touchpoints = lines(touchpointsFile).map((line) => JSON.parse(line));
const reads = lines(readsFile);
const batches = [];
for (let first = 0; first < touchpoints.length; first += BATCH) {
  const byCustomer = new Map();
  for (const { customer, cents, time, event } of touchpoints.slice(first, first + BATCH)) {
    const recorded = { type: 'Recorded', data: { customer, cents, time, event } };
    byCustomer.set(customer, [...(byCustomer.get(customer) ?? []), recorded]);
  }
  batches.push(byCustomer);
}

const fileName = join(folder, 'events.db');
const store = getSQLiteEventStore({
  fileName,
  connectionOptions: { singleton: true },
  schema: { autoMigration: 'CreateOrUpdate' },
  projections: projections.inline([customers]),
});
await store.schema.migrate();

let began = performance.now();
for (const batch of batches) {
  for (const [customer, events] of batch) {
    await store.appendToStream(`customer-${customer}`, events);
  }
}
const append_s = (performance.now() - began) / 1000;

const connection = sqliteConnection({ fileName });
began = performance.now();
for (const customer of reads) {
  await connection.querySingle('SELECT orders, cents, last_seen FROM customers WHERE customer = ?', [customer]);
}
const read_s = (performance.now() - began) / 1000;
const { orders, cents } = await connection.querySingle('SELECT sum(orders) AS orders, sum(cents) AS cents FROM customers');
connection.close();
console.log(JSON.stringify({
  events: touchpoints.length, append_s, reads: reads.length, read_s, orders, cents,
}));
process.exit(0);
