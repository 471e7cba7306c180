"""One answer for all jobs of a workflow: 0 if every job of ``RESULTS`` succeeded.

``RESULTS`` is GitHub's ``toJSON(needs)``. A job that was skipped or cancelled did not succeed.
"""

import json
import os
import sys

results = {name: job["result"] for name, job in json.loads(os.environ.get("RESULTS", "{}")).items()}
if not results:
    sys.exit("gate: RESULTS names no job")
for name, result in sorted(results.items()):
    print(f"{name}: {result}")
sys.exit(any(result != "success" for result in results.values()))
