"""Runs the questions of a page over an export, and prints the page with the answers that there are.

    python worked.py PAGE FOLDER
"""

import pathlib
import re
import sys

import duckdb

page, folder = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2])
tables = duckdb.connect()
tables.execute("SET TimeZone = 'UTC'")
for file in folder.glob("*.parquet"):
    tables.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")


def answered(found):
    asked = tables.execute(found["sql"])
    names = [column[0] for column in asked.description]
    rows = [["" if value is None else str(value) for value in row] for row in asked.fetchall()]
    table = [names, ["---"] * len(names), *rows]
    lines = "".join("| " + " | ".join(row) + " |\n" for row in table)
    return f"```sql\n{found['sql']}```\n\n{lines}"


QUESTION = re.compile(r"```sql\n(?P<sql>.*?)```\n\n(?:\|[^\n]*\n)*", re.DOTALL)
sys.stdout.write(QUESTION.sub(answered, page))
