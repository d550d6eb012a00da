"""One machine of a search: a process of its own, that a test can kill. Arguments: storage, trials, workers, results."""

import json
import sys
from pathlib import Path

from churn.contract.reading import load_contract
from churn.evaluation.folds import make_folds
from pipelines.search import Search, storage_of
from pipelines.tracking import silent
from tests.pipelines.toy_candidates import GOOD, SLOW, toy_rows

ROOT = Path(__file__).parent.parent.parent


def main() -> None:
    storage, trials, workers, results = sys.argv[1:]
    frame, labels = toy_rows()
    found = Search(
        name="shared",
        storage=storage_of(storage),
        contract=load_contract(ROOT / "contracts" / "telco.yaml"),
        candidates={"good": GOOD, "slow": SLOW},
        trials=int(trials),
        seed=5,
        workers=int(workers),
        heartbeat_seconds=1,
    ).run(frame, labels, make_folds(labels, folds=3, seed=1)[0], silent)
    Path(results).write_text(json.dumps([[one.candidate.name, one.roc_auc, one.trials] for one in found]))


if __name__ == "__main__":
    main()
