"""The DAGs that Airflow finds in a folder: a line each, with its tasks and what each waits for. Files it cannot import are errors."""
import pathlib
import sys

from airflow.dag_processing.dagbag import DagBag

bag = DagBag(dag_folder=None, collect_dags=False)
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    bag.process_file(str(path))
if bag.import_errors:
    sys.exit(str(bag.import_errors))
for name, dag in sorted(bag.dags.items()):
    tasks = (f"{task.task_id}({' '.join(sorted(task.upstream_task_ids))})" for task in dag.tasks)
    print(f"{name}: {' '.join(tasks)}")
