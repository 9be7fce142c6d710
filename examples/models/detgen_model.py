"""What a script needs to be a model of detgen: the lines that it reads and prints.

    serve({"name": "mine", "kind": "flow", "columns": [...]}, score)

score gets a list of items (dicts with "id" and "row", "steps" or "capture") and gives a number for each, or a pair of a
number and a list with a number for each step. Print nothing else to the standard output; the error output is free.
"""
import importlib
import json
import os
import sys


def need(package, get):
    """The package; where it is missing, one line that says how to get it."""
    try:
        return importlib.import_module(package)
    except ImportError as e:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {e}: {get}")


def serve(hello, score):
    # what libraries print must not get between the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"detgen": 1, **hello}), file=answers, flush=True)
    batch = []
    for line in sys.stdin:
        if line.strip():
            batch.append(json.loads(line))
            continue
        if not batch:
            continue
        for item, s in zip(batch, score(batch)):
            s, steps = s if isinstance(s, tuple) else (s, None)
            answer = {"id": item["id"], "score": float(s)}
            if steps is not None:
                answer["steps"] = [float(x) for x in steps]
            print(json.dumps(answer), file=answers)
        answers.flush()
        batch = []


def rows(batch):
    """The items' rows as an array; what is no number is NaN."""
    import numpy

    return numpy.array([item["row"] for item in batch], dtype=float)
