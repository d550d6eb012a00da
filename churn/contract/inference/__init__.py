"""A first contract, drafted from a customer table."""

from churn.contract.inference.draft import render
from churn.contract.inference.infer import Finding, Inference, infer_contract

__all__ = ["Finding", "Inference", "infer_contract", "render"]
