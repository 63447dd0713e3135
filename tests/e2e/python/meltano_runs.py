"""Runs Meltano's own command line in many projects, from one process: it is imported once, and each run is a fork.

Reads one JSON object a line. With a folder, arguments, environment variables and a file for the log it is a run, and the
answer is its exit code. With a database alone, the answer is the rows of its states and runs.
"""

import json
import os
import sqlite3
import sys
import traceback

import meltano.cli

STATES = "SELECT state_id, completed_state, partial_state FROM state ORDER BY state_id"
RUNS = 'SELECT job_name, state, payload, payload_flags, "trigger" FROM runs ORDER BY id'


def run(case):
    os.chdir(case["folder"])
    os.environ.clear()
    os.environ.update(case["vars"])
    log = os.open(case["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
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


for line in sys.stdin:
    case = json.loads(line)
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
