"""A scoring job that is going to be killed: it goes on from its mark and stores chunk after chunk."""

import sys

from churn.stores.score_table import ScoreTable

CHUNK, CHUNKS = 50, 40


def score(customer: int) -> dict[str, object]:
    return {
        "customer_id": f"c-{customer:06d}",
        "churn_probability": customer / (CHUNK * CHUNKS),
        "churn_prediction": customer % 2,
        "risk_level": "LOW",
        "model_version": 3,
        "scored_at": "2026-11-21T06:00:00.123Z",
    }


if __name__ == "__main__":
    with ScoreTable(sys.argv[1]) as table:
        for start in range(table.rows_done("job"), CHUNK * CHUNKS, CHUNK):
            chunk = [score(customer) for customer in range(start, start + CHUNK)]
            table.upsert(chunk, job_id="job", rows_done=start + CHUNK)
            sys.stdout.write(f"{start + CHUNK}\n")
            sys.stdout.flush()
