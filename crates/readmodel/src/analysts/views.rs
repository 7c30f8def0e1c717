//! What each table for analysts holds: its columns, and where they are in the tables of the fold.

use rapport_customer::Model;

use super::sql::{customer_id, decimal, json, millionths, moment, moment_of_nanos, nanos, whole};
use super::{AnalystTable, Column, ColumnKind, Select};

/// What the views need to know of the definitions.
pub(super) const DESCRIBED: &str = "
-- The namespaces of identifiers by the number that `identifiers.kind` gives them.
CREATE TABLE kinds (kind INTEGER PRIMARY KEY, namespace TEXT NOT NULL, role TEXT NOT NULL);

-- One row: how long a visit lasts, in nanoseconds; whose days are meant; which models are folded.
CREATE TABLE described (
    only      INTEGER PRIMARY KEY CHECK (only = 1),
    visit     INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    models    TEXT NOT NULL
);

-- For analysts, with what they are built on.
";

/// Views that others are built on. Nobody else should ask them: their keys say nothing outside the file.
pub(super) const SHARED: [(&str, Select); 2] = [("owned_timeline", owned_timeline), ("owned_orders", owned_orders)];

pub(super) static TABLES: [AnalystTable; 11] = [
    AnalystTable { name: "about", model: Model::Identity, columns: ABOUT, select: about },
    AnalystTable { name: "customers", model: Model::Identity, columns: CUSTOMERS, select: customers },
    AnalystTable { name: "identifiers", model: Model::Identity, columns: IDENTIFIERS, select: identifiers },
    AnalystTable { name: "timeline", model: Model::Identity, columns: TIMELINE, select: timeline },
    AnalystTable { name: "orders", model: Model::Identity, columns: ORDERS, select: orders },
    AnalystTable { name: "customer_orders", model: Model::Identity, columns: CUSTOMER_ORDERS, select: customer_orders },
    AnalystTable { name: "customer_traits", model: Model::Profile, columns: TRAITS, select: traits },
    AnalystTable { name: "customer_stages", model: Model::Journey, columns: STAGES, select: stages },
    AnalystTable { name: "journey_transitions", model: Model::Journey, columns: TRANSITIONS, select: transitions },
    AnalystTable { name: "feedback_responses", model: Model::Feedback, columns: RESPONSES, select: responses },
    AnalystTable { name: "daily_scores", model: Model::Feedback, columns: SCORES, select: scores },
];

const fn never_null(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind, is_nullable: false }
}

const fn or_null(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind, is_nullable: true }
}

const ABOUT: &[Column] = &[
    never_null("tenant", ColumnKind::Text),
    never_null("position", ColumnKind::Integer),
    never_null("clock", ColumnKind::Moment),
    never_null("time_zone", ColumnKind::Text),
    never_null("models", ColumnKind::Text),
];

/// Whose data it is, and up to where.
fn about() -> String {
    format!(
        "SELECT (SELECT value FROM meta WHERE name = 'tenant') AS tenant, position, {} AS clock, time_zone, models
         FROM checkpoint, described",
        moment_of_nanos("clock")
    )
}

const CUSTOMERS: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("identified", ColumnKind::Flag),
    never_null("first_seen", ColumnKind::Moment),
    never_null("last_seen", ColumnKind::Moment),
    never_null("touchpoints", ColumnKind::Integer),
    never_null("first_channel", ColumnKind::Text),
    never_null("last_channel", ColumnKind::Text),
];

fn customers() -> String {
    format!(
        "SELECT {} AS customer_id, EXISTS (SELECT 1 FROM identifiers WHERE root = customers.id) AS identified,
            {} AS first_seen, {} AS last_seen, events AS touchpoints,
            {} AS first_channel, {} AS last_channel
         FROM customers",
        customer_id("customers.id"),
        moment("first"),
        moment("last"),
        channel_of("customers.first"),
        channel_of("customers.last")
    )
}

/// Of one event of a customer: it is stored under one of its persons, or a device that one of these claimed or was given.
fn channel_of(event: &str) -> String {
    format!(
        "(SELECT {} FROM timeline JOIN touchpoints ON id = touchpoint WHERE event = {event} AND anchor IN (
            SELECT customers.id
            UNION ALL SELECT id FROM identifiers WHERE root = customers.id
            UNION ALL SELECT device FROM claimants WHERE anchor IN (SELECT id FROM identifiers WHERE root = customers.id)
            UNION ALL SELECT device FROM given WHERE anchor IN (SELECT id FROM identifiers WHERE root = customers.id)
        ))",
        json("json", "channel")
    )
}

const IDENTIFIERS: &[Column] = &[
    or_null("customer_id", ColumnKind::Text),
    never_null("namespace", ColumnKind::Text),
    never_null("value", ColumnKind::Text),
    never_null("role", ColumnKind::Text),
    or_null("first_seen", ColumnKind::Moment),
    never_null("void", ColumnKind::Flag),
];

/// Whose each identifier is now; a device by its last claim.
fn identifiers() -> String {
    format!(
        "SELECT CASE WHEN customers.id IS NOT NULL THEN {} END AS customer_id,
            namespace, value, role, CASE WHEN met < x'FF' THEN {} END AS first_seen, void
         FROM (
            SELECT kind, value, first AS met, void, CASE WHEN void THEN NULL ELSE coalesce(root, (
                SELECT root FROM identifiers AS claimant WHERE claimant.id = coalesce(
                    (SELECT anchor FROM claims WHERE device = named.id AND barred = 0 ORDER BY event DESC LIMIT 1),
                    (SELECT anchor FROM given WHERE device = named.id))
            ), id) END AS owner
            FROM identifiers AS named
         ) JOIN kinds USING (kind) LEFT JOIN customers ON customers.id = owner",
        customer_id("customers.id"),
        moment("met")
    )
}

/// Every stored touchpoint with the key of the customer whose it is: a person's, or of a device whoever had it at the time.
/// `rapport_customer::identity::owner_at` in SQL.
fn owned_timeline() -> String {
    let last = |what: &str, of_gift: &str| {
        format!(
            "coalesce((SELECT {what} FROM claims WHERE device = stored.anchor AND event <= stored.event AND barred = 0
                ORDER BY event DESC LIMIT 1), (SELECT {of_gift} FROM given WHERE device = stored.anchor))"
        )
    };
    let next = |what: &str| {
        format!(
            "(SELECT {what} FROM claims WHERE device = stored.anchor AND event > stored.event AND barred = 0
                ORDER BY event LIMIT 1)"
        )
    };
    format!(
        "SELECT stored.event, stored.position, json AS touchpoint, coalesce(holder.root, (
            SELECT root FROM identifiers WHERE id = (
                -- The next claim's if there was none before, or if the visit that led to it has begun.
                SELECT CASE WHEN claimed IS NOT NULL AND (before IS NULL
                    OR {} > max(before + (claimed - before) / 2, claimed - (SELECT visit FROM described)))
                    THEN {} ELSE {} END
                FROM (SELECT {} AS before, {} AS claimed LIMIT 1))
         ), stored.anchor) AS owner
         FROM timeline AS stored JOIN touchpoints ON touchpoints.id = stored.touchpoint
            JOIN identifiers AS holder ON holder.id = stored.anchor",
        nanos("stored.event"),
        next("anchor"),
        last("anchor", "anchor"),
        // A gift by hand comes before all claims.
        last(&nanos("event"), "0"),
        next(&nanos("event"))
    )
}

const TIMELINE: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("time", ColumnKind::Moment),
    never_null("type", ColumnKind::Text),
    never_null("channel", ColumnKind::Text),
    never_null("source", ColumnKind::Text),
    never_null("id", ColumnKind::Text),
    or_null("sequence", ColumnKind::Text),
    never_null("position", ColumnKind::Integer),
    or_null("data", ColumnKind::Json),
];

/// The touchpoints that are somebody's.
fn timeline() -> String {
    let of = |name: &str| json("touchpoint", name);
    format!(
        "SELECT {} AS customer_id, {} AS time, {} AS type, {} AS channel, {} AS source, {} AS id, {} AS sequence,
            position, {} AS data FROM owned_timeline JOIN customers ON customers.id = owner",
        customer_id("customers.id"),
        moment("event"),
        of("type"),
        of("channel"),
        of("source"),
        of("id"),
        of("sequence"),
        of("data")
    )
}

/// Orders and refunds with the key of the customer.
fn owned_orders() -> String {
    let of = |name: &str| json("touchpoint", name);
    format!(
        "SELECT owner, event, {kind} AS type, {} AS order_id, {} AS amount, {} AS currency, {} AS channel,
            (SELECT coalesce(sum(CAST(coalesce(json_extract(value, '$.quantity'), 1) AS INTEGER)), 0)
             FROM json_each(CAST(touchpoint AS TEXT), '$.data.items')) AS units, {} AS source, {} AS id
         FROM owned_timeline WHERE {kind} IN ('order.placed', 'order.refunded')",
        of("data.order_id"),
        of("data.amount"),
        of("data.currency"),
        of("channel"),
        of("source"),
        of("id"),
        kind = of("type")
    )
}

const ORDERS: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("time", ColumnKind::Moment),
    never_null("refund", ColumnKind::Flag),
    never_null("order_id", ColumnKind::Text),
    never_null("amount", ColumnKind::Money),
    never_null("currency", ColumnKind::Text),
    never_null("units", ColumnKind::Integer),
    never_null("channel", ColumnKind::Text),
    never_null("source", ColumnKind::Text),
    never_null("id", ColumnKind::Text),
];

fn orders() -> String {
    format!(
        "SELECT {} AS customer_id, {} AS time, type = 'order.refunded' AS refund, order_id, {} AS amount, currency,
            units, channel, source, owned_orders.id AS id FROM owned_orders JOIN customers ON customers.id = owner",
        customer_id("customers.id"),
        moment("event"),
        decimal(&whole("amount"), &millionths("amount"))
    )
}

const CUSTOMER_ORDERS: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("currency", ColumnKind::Text),
    never_null("orders", ColumnKind::Integer),
    never_null("units", ColumnKind::Integer),
    never_null("revenue", ColumnKind::Money),
    never_null("refunds", ColumnKind::Integer),
    never_null("refunded", ColumnKind::Money),
    or_null("first_order", ColumnKind::Moment),
    or_null("last_order", ColumnKind::Moment),
];

/// What each customer ordered, in each currency.
fn customer_orders() -> String {
    format!(
        "SELECT {} AS customer_id, currency, orders, units, {} AS revenue, refunds, {} AS refunded,
            {} AS first_order, {} AS last_order
         FROM (
            SELECT owner, currency, sum(is_order) AS orders, sum(is_order * units) AS units,
                sum(is_order * whole) AS whole, sum(is_order * millionths) AS millionths,
                sum(1 - is_order) AS refunds,
                sum((1 - is_order) * whole) AS back, sum((1 - is_order) * millionths) AS back_millionths,
                min(CASE WHEN is_order THEN event END) AS earliest, max(CASE WHEN is_order THEN event END) AS latest
            FROM (
                SELECT owner, currency, event, units, type = 'order.placed' AS is_order,
                    {} AS whole, {} AS millionths FROM owned_orders
            ) GROUP BY owner, currency
         )",
        customer_id("owner"),
        decimal("whole", "millionths"),
        decimal("back", "back_millionths"),
        moment("earliest"),
        moment("latest"),
        whole("amount"),
        millionths("amount")
    )
}

const TRAITS: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("name", ColumnKind::Text),
    never_null("value", ColumnKind::Text),
];

/// Those that customers can be found by.
fn traits() -> String {
    format!(
        "SELECT {} AS customer_id, substr(label, 7, instr(label, '=') - 7) AS name,
            substr(label, instr(label, '=') + 1) AS value
         FROM labels WHERE label >= 'trait:' AND label < 'trait;'",
        customer_id("customer")
    )
}

const STAGES: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("journey", ColumnKind::Text),
    never_null("stage", ColumnKind::Text),
    never_null("since", ColumnKind::Moment),
    or_null("previous_stage", ColumnKind::Text),
    never_null("changes", ColumnKind::Integer),
];

/// Where customers are: the last change of each in each journey.
fn stages() -> String {
    let of = |name: &str| json("fact", name);
    format!(
        "SELECT {} AS customer_id, journey, stage, {} AS since, previous_stage, changes
         FROM (
            -- The other columns are those of the row with the greatest event.
            SELECT customer, {journey} AS journey, {} AS stage, {} AS previous_stage, max(event) AS event,
                count(*) AS changes
            FROM facts WHERE kind = 1 GROUP BY customer, {journey}
         )",
        customer_id("customer"),
        moment("event"),
        of("to"),
        of("\"from\""),
        journey = of("journey")
    )
}

const TRANSITIONS: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("time", ColumnKind::Moment),
    never_null("journey", ColumnKind::Text),
    or_null("from_stage", ColumnKind::Text),
    never_null("to_stage", ColumnKind::Text),
    never_null("cause", ColumnKind::Text),
    or_null("event_type", ColumnKind::Text),
    or_null("channel", ColumnKind::Text),
    or_null("quiet_seconds", ColumnKind::Integer),
];

fn transitions() -> String {
    let of = |name: &str| json("fact", name);
    format!(
        "SELECT {} AS customer_id, {} AS time, {} AS journey, {} AS from_stage, {} AS to_stage,
            CASE WHEN {quiet} IS NULL THEN 'event' ELSE 'silence' END AS cause,
            {} AS event_type, {} AS channel, {quiet} AS quiet_seconds
         FROM facts WHERE kind = 1",
        customer_id("customer"),
        moment("event"),
        of("journey"),
        of("\"from\""),
        of("to"),
        of("cause.event.type"),
        of("cause.event.channel"),
        quiet = of("cause.silence.quiet_seconds")
    )
}

const RESPONSES: &[Column] = &[
    never_null("customer_id", ColumnKind::Text),
    never_null("time", ColumnKind::Moment),
    never_null("measure", ColumnKind::Text),
    never_null("score", ColumnKind::Integer),
    never_null("counts", ColumnKind::Flag),
    never_null("survey", ColumnKind::Text),
    or_null("instance", ColumnKind::Text),
    never_null("channel", ColumnKind::Text),
    or_null("touchpoint", ColumnKind::Text),
    or_null("agent", ColumnKind::Text),
    or_null("team", ColumnKind::Text),
    or_null("stage", ColumnKind::Text),
    or_null("comment", ColumnKind::Text),
];

/// Answers and reviews; those that a later one replaced count no more.
fn responses() -> String {
    let named: Vec<String> = ["survey", "instance", "channel", "touchpoint", "agent", "team", "stage", "comment"]
        .map(|name| format!("{} AS {name}", json("fact", name)))
        .into();
    format!(
        "SELECT {} AS customer_id, {} AS time, {} AS measure, {} AS score, closed_by IS NULL AS counts, {}
         FROM facts WHERE kind = 2",
        customer_id("customer"),
        moment("event"),
        json("fact", "measure"),
        json("fact", "score"),
        named.join(", ")
    )
}

const SCORES: &[Column] = &[
    never_null("day", ColumnKind::Day),
    never_null("measure", ColumnKind::Text),
    or_null("channel", ColumnKind::Text),
    or_null("survey", ColumnKind::Text),
    or_null("touchpoint", ColumnKind::Text),
    or_null("agent", ColumnKind::Text),
    or_null("team", ColumnKind::Text),
    or_null("stage", ColumnKind::Text),
    never_null("responses", ColumnKind::Integer),
    never_null("high", ColumnKind::Integer),
    never_null("low", ColumnKind::Integer),
    never_null("score_sum", ColumnKind::Integer),
    never_null("asked", ColumnKind::Integer),
    never_null("answered", ColumnKind::Integer),
];

/// Sums by day and slice, from the cells that scores are told from.
fn scores() -> String {
    let at = |place: usize| format!("json_extract(name, '$[{place}]')");
    format!(
        "SELECT day, measure, nullif(channel, '') AS channel, nullif(survey, '') AS survey,
            nullif(touchpoint, '') AS touchpoint, nullif(agent, '') AS agent, nullif(team, '') AS team,
            nullif(stage, '') AS stage,
            sum(scored) AS responses,
            sum(scored * CASE measure WHEN 'nps' THEN score >= 9 WHEN 'ces' THEN score >= 5 ELSE score >= 4 END) AS high,
            sum(scored * CASE measure WHEN 'nps' THEN score <= 6 WHEN 'ces' THEN score <= 3 ELSE score <= 2 END) AS low,
            sum(scored * score) AS score_sum,
            sum(asked) AS asked, sum(asked * (value = 'answered')) AS answered
         FROM (
            SELECT {} AS measure, {} AS day, {} AS channel, {} AS survey, {} AS touchpoint, {} AS agent, {} AS team,
                {} AS stage, {value} AS value, CAST({value} AS INTEGER) AS score,
                CASE WHEN name < '[\"b' THEN CAST(sum AS INTEGER) ELSE 0 END AS asked,
                CASE WHEN name < '[\"b' THEN 0 ELSE CAST(sum AS INTEGER) END AS scored
            FROM totals
            WHERE name >= '[\"asked\",' AND name < '[\"asked-' OR name >= '[\"score\",' AND name < '[\"score-'
         ) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
        at(1),
        at(2),
        at(3),
        at(4),
        at(5),
        at(6),
        at(7),
        at(8),
        value = at(9)
    )
}
