"""The Business board: who may leave, what that would cost, and what is done about it."""

from monitoring.boards.intervals import measured
from monitoring.boards.panel import BY_RISK, WINDOW, Board, Panel, Row

CURRENCY = "in the contract's currency"
COUNTED = "customers were predicted for and counted, once a minute"
CONTACT_ALL = '{version="$version",measure="profit_contact_all",source="observed"}'
NO_ECONOMICS = f"{COUNTED}, and the contract has economics"


def _by_segment(metric: str, more: str = "") -> str:
    """Sum a metric by segment; customers of a version without segments are told apart."""
    return f'label_replace(sum by (segment{more}) ({metric}), "segment", "without a segment", "segment", "")'


NOW = Row(
    "Now: customers by their newest prediction of the last 30 days",
    (
        Panel(
            title="Customers", kind="stat", unit="short", span=5, decimals=0, page="glossary", waits_for=COUNTED,
            text="Customers who were predicted for.", queries=(("sum(churn_customers)", "customers"),),
        ),
        Panel(
            title="At risk", kind="stat", unit="percentunit", span=5, decimals=1, page="glossary", waits_for=COUNTED,
            text="Share of the customers whose risk is medium or high.",
            queries=(('(sum(churn_customers{risk_level!="LOW"}) or vector(0)) / sum(churn_customers)', "share"),),
        ),
        Panel(
            title="Revenue at risk", kind="stat", unit="short", span=5, decimals=1, page="glossary",
            text=f"Expected loss of all customers: probability times worth, {CURRENCY}.", waits_for=NO_ECONOMICS,
            queries=(("sum(churn_revenue_at_risk)", "at risk"),),
        ),
        Panel(
            title="Expected profit of acting", kind="stat", unit="short", span=5, decimals=1, page="glossary",
            text=f"What contacting every customer who is worth it is expected to earn, {CURRENCY}.",
            waits_for=NO_ECONOMICS, queries=(("sum(churn_expected_profit)", "profit"),),
        ),
        Panel(
            title="Last counted", kind="stat", unit="s", span=4, page="metrics", steps=((600, "yellow"), (3600, "red")),
            text="How long ago the exporter counted customers and their money.",
            queries=(("time() - max(churn_customers_counted_timestamp_seconds)", "age"),),
        ),
    ),
)  # fmt: skip

SEGMENTS = Row(
    "Segments",
    (
        Panel(
            title="Customers by segment and risk", kind="table", unit="short", span=12, decimals=0, page="science",
            text="How many customers of each segment have which risk.", waits_for=COUNTED,
            queries=((_by_segment("churn_customers", ", risk_level"), "customers"),),
        ),
        Panel(
            title="Customers by risk", unit="short", span=12, height=9, page="science",
            colours=BY_RISK, is_stacked=True,
            text="How many customers have which risk.", waits_for=COUNTED,
            queries=(("sum by (risk_level) (churn_customers)", "{{risk_level}}"),),
        ),
        Panel(
            title="Revenue at risk by segment", kind="bargauge", unit="short", span=12, decimals=1, page="science",
            text=f"Expected loss of each segment, {CURRENCY}.", waits_for=NO_ECONOMICS,
            queries=((f"sort_desc({_by_segment('churn_revenue_at_risk')})", "{{segment}}"),),
        ),
        Panel(
            title="Expected profit by segment", kind="bargauge", unit="short", span=12, decimals=1, page="science",
            text=f"What contacting those who are worth it is expected to earn in each segment, {CURRENCY}.",
            waits_for=NO_ECONOMICS, queries=((f"sort_desc({_by_segment('churn_expected_profit')})", "{{segment}}"),),
        ),
    ),
)  # fmt: skip

TIME = Row(
    "Over time",
    (
        Panel(
            title="Revenue at risk over time", unit="short", span=12, page="glossary", is_stacked=True,
            text=f"Expected loss by segment, {CURRENCY}.", waits_for=NO_ECONOMICS,
            queries=((_by_segment("churn_revenue_at_risk"), "{{segment}}"),),
        ),
        Panel(
            title="Profit of the decisions", unit="short", span=12, decimals=2, page="performance",
            runbook="ChurnPerformanceDegraded", leads_to=("reports", "mlflow"), is_from_zero=False,
            text=f"What contacting those at risk earned per customer, {CURRENCY}: by outcomes, and as is expected of "
            "customers whose outcome is not due. Contacting nobody earns 0.",
            waits_for="`churn performance` has measured a version whose contract has economics",
            queries=(
                *measured("profit"),
                (f"max(churn_performance_value{CONTACT_ALL})", "contacting all"),
            ),
        ),
        Panel(
            title="Drift's cost", unit="short", span=12, decimals=2, page="drift", leads_to=("reports",),
            runbook="ChurnDrift", is_from_zero=False,
            text=f"What the change of customers since training does to the expected profit, {CURRENCY}: per customer "
            "in the live window, times its customers. Below 0 is a loss. It trusts the model's probabilities.",
            waits_for="a drift run of a contract with economics",
            queries=(("max(churn_drift_profit_change) * max(churn_drift_window_rows)", "of the window"),),
        ),
        Panel(
            title="Outcomes", unit="short", span=12, decimals=0, page="performance",
            text="Outcomes in the SQL store: who left and who stayed.",
            queries=(
                ('sum(churn_outcomes_stored_total{churned="1"}) or vector(0)', "left"),
                ('sum(churn_outcomes_stored_total{churned="0"}) or vector(0)', "stayed"),
            ),
        ),
    ),
)  # fmt: skip

OFFERS = Row(
    "Offers",
    (
        Panel(
            title="Offers recommended", unit="cps", span=12, page="science", is_stacked=True,
            text="Offers recommended per second, at most three a customer; names are the contract's.",
            queries=((f"sum by (offer) (rate(churn_offers_recommended_total{WINDOW}))", "{{offer}}"),),
        ),
        Panel(
            title="Offers of the last 24 hours", kind="bargauge", unit="short", span=12, decimals=0, page="science",
            text="How often each offer was recommended.",
            queries=(("sort_desc(sum by (offer) (increase(churn_offers_recommended_total[24h])))", "{{offer}}"),),
        ),
    ),
)  # fmt: skip

BUSINESS = Board(
    "business", "Churn: business",
    "For those who keep customers: who may leave, what that would cost, and what is recommended.",
    (NOW, SEGMENTS, TIME, OFFERS), since="now-7d",
)  # fmt: skip
