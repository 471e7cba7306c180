"""Stands in for ``python -m mycovigil_training`` at the process boundary: prints the contract's
last line, or fails as asked. Its first argument is a JSON document with what to do."""

import json
import sys
import time


def main() -> int:
    orders = json.loads(sys.argv[1])
    assert sys.argv[2:4] == ["retrain", "--job"]
    sys.stderr.write("loading features\n")
    if "fail" in orders:
        sys.stderr.write(orders["fail"] + "\n")
        return 3
    if "wait" in orders:
        time.sleep(orders["wait"])
    sys.stdout.write("epoch 1\n")
    gate = {"passed": orders["passed"], "reason": "as ordered"}
    sys.stdout.write(json.dumps({"model_id": orders["model_id"], "gate": gate}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
