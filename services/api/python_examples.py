"""Examples in Python, by route: what `churn.client` does with it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Python:
    """Lines inside `with Client(…) as client:`.

    Attributes:
        lines: what is done; VERSION stands for that of the live model.
        has_customer: they use `customer`, which is the contract's example.
    """

    lines: tuple[str, ...]
    has_customer: bool = False

    def text(self, address: str, customer: Mapping[str, object], *, has_key: bool) -> str:
        """Return a whole program."""
        cells = (f"    {name!r}: {value!r}," for name, value in customer.items())
        made = ["customer = {", *cells, "}"] if self.has_customer else []
        key = ', api_key=os.environ["CHURN_API_KEY"]' if has_key else ""
        head = [*(["import os", ""] if has_key else []), "from churn.client import Client", ""]
        return "\n".join([*head, *made, f'with Client("{address}"{key}) as client:', *(f"    {x}" for x in self.lines)])


PREDICT = Python(
    ("answer = client.predict(customer)", "print(answer.churn_probability, answer.risk_level, answer.prediction_id)"),
    has_customer=True,
)
FILE = Python(('client.predict_file("customers.csv", out="scored.csv")',))

PYTHON: Mapping[str, Python] = {
    "POST /predict": PREDICT,
    "POST /api/v1/predict": PREDICT,
    "POST /predict/batch": FILE,
    "POST /api/v1/batch_predict": FILE,
    "POST /api/v1/explain": Python(("print(client.explain(customer).words)",), has_customer=True),
    "GET /api/v1/explain": Python(('print(client.explain("A-1").words)',)),
    "GET /api/v1/health": Python(("print(client.health().status)",)),
    "GET /api/v1/models": Python(("print([model.version for model in client.models()])",)),
    "GET /api/v1/models/{version}": Python(("print(client.model(VERSION))",)),
    "POST /api/v1/models/{version}/activate": Python(
        ('job = client.activate(VERSION, "better on last month\'s customers", wait=False)', "print(job.id)")
    ),
    "POST /api/v1/retrain": Python(("job = client.retrain(trials=5)", "print(job.id)  # job.wait() waits for its end")),
    "POST /api/v1/outcomes": Python(
        (
            'outcome = {"customer_id": "A-1", "churned": 1, "observed_at": "2026-01-31T00:00:00Z"}',
            "print(client.outcomes([outcome]).accepted)",
        )
    ),
    "GET /api/v1/jobs/{job_id}": Python(('print(client.job(os.environ["JOB"]).state.status)',)),
}
