"""Adds up an export as an analyst would, and prints the sums as JSON.

    python totals.py FOLDER
"""

import json
import sys

import duckdb

folder = sys.argv[1]


def one(sql):
    return duckdb.execute(sql.replace("FROM ", f"FROM '{folder}/").replace(";", ".parquet'")).fetchone()


customers, identified = one("SELECT count(*), count(*) FILTER (identified) FROM customers;")
(touchpoints,) = one("SELECT count(*) FROM timeline;")
(buyers,) = one("SELECT count(DISTINCT customer_id) FROM customer_orders;")
orders, units, revenue = one("SELECT sum(orders), sum(units), sum(revenue) FROM customer_orders;")
(of_orders,) = one("SELECT sum(amount) FROM orders;")
print(
    json.dumps(
        {
            "customers": customers,
            "identified": identified,
            "buyers": buyers,
            "touchpoints": touchpoints,
            "orders": orders,
            "USD": {"orders": orders, "units": units, "revenue": str(revenue)},
            "of_orders": str(of_orders),
        }
    )
)
