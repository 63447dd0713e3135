"""Runs Meltano's own command line in many projects, from one process: it is imported once, and each run is a fork.

Reads one JSON object a line. With a folder, arguments, environment variables and a file for the log it is a run, and the
answer is its exit code; with a file for stdout, that is apart from the log. With a database alone, the answer is the rows of
its states and runs. With a folder to look at, the answer is what the files and the system database of a project hold.
"""

import functools
import json
import os
import pickle
import re
import sqlite3
import sys
import traceback
from pathlib import Path

import meltano.cli
import ruamel.yaml
import sqlalchemy

STATES = "SELECT state_id, completed_state, partial_state FROM state ORDER BY state_id"
RUNS = 'SELECT job_name, state, payload, payload_flags, "trigger" FROM runs ORDER BY id'


def run(case):
    os.chdir(case["folder"])
    os.environ.clear()
    os.environ.update(case["vars"])
    log = os.open(case["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(case["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if "stdout" in case else log
    for source, target in ((null, 0), (out, 1), (log, 2)):
        os.dup2(source, target)
    sys.argv = ["meltano", *case["args"]]
    try:
        meltano.cli.main()
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1


def rows(database):
    if not os.path.exists(database):
        return {"states": [], "runs": []}
    connection = sqlite3.connect(database)
    try:
        return {"states": connection.execute(STATES).fetchall(), "runs": connection.execute(RUNS).fetchall()}
    finally:
        connection.close()


def look(folder, url):
    """What a command leaves in a project: its files as data, comments as text, and the rows of the system database."""
    folder = Path(folder)
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".yml" and not name.startswith("."):
            text = path.read_text()
            found[name] = yaml_as_json(text)
            found[f"{name}, comments"] = "\n".join(re.findall("#.*", text))
        elif path.suffix == ".lock" and not name.startswith("."):
            found[name] = json.dumps(json.loads(path.read_text()))
        elif name == ".env":
            found[name] = path.read_text()
    if url or (folder / ".meltano/meltano.db").exists():
        found |= stored(url or f"sqlite:///{folder}/.meltano/meltano.db")
    return found


@functools.cache
def yaml_as_json(text):
    # Meltano writes the keys of a schedule in an order of its own.
    return json.dumps(ruamel.yaml.YAML(typ="safe", pure=True).load(text), sort_keys=True)


def stored(url):
    engine = sqlalchemy.create_engine(url)
    rows = {}
    with engine.connect() as connection:
        if "state" not in sqlalchemy.inspect(engine).get_table_names():
            return rows
        for table, query in (
            ("states", STATES),
            ("runs", RUNS),
            ("settings", "SELECT namespace, name, enabled, value FROM plugin_settings ORDER BY namespace, name"),
        ):
            for index, row in enumerate(connection.execute(sqlalchemy.text(query))):
                cells = [pickle.loads(bytes(c)) if isinstance(c, bytes | memoryview) else c for c in row]
                rows[f"{table} {index}"] = json.dumps([one_spelling(cell) for cell in cells])
    engine.dispose()
    return rows


def one_spelling(cell):
    """JSON in a cell as data, so that blanks do not count."""
    try:
        return json.loads(cell) if isinstance(cell, str) and cell.startswith("{") else cell
    except ValueError:
        return cell


for line in sys.stdin:
    case = json.loads(line)
    if "look" in case:
        print(json.dumps(look(case["look"], case["url"])), flush=True)
        continue
    if "database" in case:
        print(json.dumps(rows(case["database"])), flush=True)
        continue
    child = os.fork()
    if child == 0:
        code = run(case)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
