"""An S3-compatible object store behind MLflow: what its client raises, in our words."""

import sys
from typing import Any

WHERE_IT_IS = "MLFLOW_S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION say where it is"


def object_store_errors() -> tuple[type[Exception], ...]:
    """Return what the S3 client raises: none of it is an OSError, and without a client there is nothing to raise."""
    if "botocore" not in sys.modules:
        return ()
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  serving has no such library

    boto = sys.modules.get("boto3.exceptions")
    return (BotoCoreError, ClientError, *((boto.Boto3Error,) if boto else ()))


def in_words(error: Exception) -> str:
    """Say what the object store answered, or that it did not, and what to check; nothing that is a secret."""
    answer: dict[str, Any] = getattr(error, "response", {}).get("Error", {})
    code, said = answer.get("Code"), " ".join(str(error).split())[:300]
    return f"the object store {f'refused ({code})' if code else 'did not answer'}: {said}; {WHERE_IT_IS}"
