import pytest

from services.door_figures import ask_doors, figures_of
from tests.postgres import free_port

TEXT = """
# TYPE churn_predictions_total counter
churn_predictions_total{door="bento",model_version="2",risk_level="LOW"} 30.0
churn_predictions_total{door="bento",model_version="2",risk_level="HIGH"} 10.0
churn_predictions_total{door="bento",model_version="1",risk_level="LOW"} 100.0
# TYPE churn_version_failures_total counter
churn_version_failures_total{door="bento",model_version="2"} 3.0
# TYPE churn_canary_fallbacks_total counter
churn_canary_fallbacks_total{door="bento",model_version="2"} 2.0
# TYPE churn_version_scoring_duration_seconds histogram
churn_version_scoring_duration_seconds_bucket{door="bento",le="0.0001",model_version="2"} 10.0
churn_version_scoring_duration_seconds_bucket{door="bento",le="0.0005",model_version="2"} 39.0
churn_version_scoring_duration_seconds_bucket{door="bento",le="+Inf",model_version="2"} 40.0
churn_version_scoring_duration_seconds_count{door="bento",model_version="2"} 40.0
churn_version_scoring_duration_seconds_sum{door="bento",model_version="2"} 0.01
"""


def test_a_door_s_metrics_are_read_by_version() -> None:
    new, old, unknown = figures_of("bento", TEXT, (2, 1, 9)).versions

    assert (new.predictions, new.failures, new.fallbacks) == (40, 3, 2)
    assert new.mean_milliseconds == pytest.approx(0.25)
    assert new.p95_milliseconds == pytest.approx(0.5)
    assert (old.predictions, old.mean_milliseconds, old.p95_milliseconds) == (100, None, None)
    assert unknown.predictions == 0


def test_a_door_that_is_down_is_told_as_such() -> None:
    (found,) = ask_doors([f"http://127.0.0.1:{free_port()}"], (1,))

    assert "does not tell its metrics: ConnectError" in found.problem
    assert found.versions == ()
