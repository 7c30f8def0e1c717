"""An analyst at the read-model file of a running server: says what there is, waits, and looks again.

    python views.py FILE
"""

import decimal
import sqlite3
import sys

file = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)


def say():
    (customers,) = file.execute("SELECT count(*) FROM analyst_customers").fetchone()
    amounts = file.execute("SELECT amount FROM analyst_orders").fetchall()
    euros = sum(decimal.Decimal(amount) for (amount,) in amounts)
    (since,) = file.execute("SELECT min(time) FROM analyst_timeline").fetchone()
    print(f"{customers} customers, {euros} EUR, since {since}", flush=True)


file.execute("BEGIN")
say()
sys.stdin.readline()
say()
file.execute("COMMIT")
say()
try:
    file.execute("DELETE FROM customers")
except sqlite3.OperationalError as refused:
    print(refused, flush=True)
