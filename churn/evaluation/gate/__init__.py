"""The gate: may a candidate take production's place? A test in money with guard-rails; pure."""

from churn.evaluation.gate.evidence import Contender, Evidence, Rows
from churn.evaluation.gate.judgement import judge
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.verdict import Guard, ProfitTest, Verdict

__all__ = ["Contender", "Evidence", "Gate", "Guard", "ProfitTest", "Rows", "Verdict", "judge"]
