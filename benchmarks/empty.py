"""What the doors are compared with: a FastAPI endpoint with the same request model that does nothing."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from churn.contract.reading import load_contract
from churn.contract.request import request_model

app = FastAPI()
Customer: Any = request_model(load_contract(Path(__file__).parent.parent / "contracts" / "telco.yaml"))


@app.post("/predict")
async def predict(customer: Customer) -> dict[str, str]:
    del customer
    return {}
