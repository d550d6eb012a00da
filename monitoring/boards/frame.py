"""What every board has: variables, annotations, and links to the other boards, to MLflow, to reports and to docs."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, VariableHide, VariableOption, VariableRefresh

from monitoring.boards.panel import Destination, Panel
from monitoring.performance_measuring import OF_PARTS

IN_SIGHT: Any = None
"""Where links stand when they are not put into a menu."""

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

ADDRESSES = {
    "mlflow_url": ("MLflow", "http://127.0.0.1:5000", "Where MLflow's pages are: `mlflow server`."),
    "reports_url": ("Reports", "http://127.0.0.1:9300", "Where `churn reports --serve` answers."),
    "docs_url": ("Docs", "https://holdfast.example/docs", "Where the docs/ of this project can be read."),
}
"""Variable → its label, its value on a laptop, and what it is."""

VERSIONS = (
    'query_result(count_values("version", max(churn_production_version)) or group by (version) (churn_model_info))'
)
"""Production first, since the first is what a board opens with; then whatever else workers serve."""

DESTINATIONS: dict[Destination, tuple[str, str]] = {
    "mlflow": ("MLflow: the version and its run", "${mlflow_url}/#/models/${model}/versions/${version}"),
    "reports": ("Reports: drift and performance", "${reports_url}/index.html"),
}


def variables(names: tuple[str, ...]) -> list[Any]:
    """Return the builders of the variables that every board has, and of those that are named."""
    return [
        dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        *(_named(name) for name in names),
        _asked("model", "label_values(churn_model_info, name)").hide(VariableHide.HIDE_VARIABLE),
        *([] if "version" in names else [_version().hide(VariableHide.HIDE_VARIABLE)]),
        *(
            dashboard.TextBoxVariable(name).label(label).default_value(address).description(text)
            for name, (label, address, text) in ADDRESSES.items()
        ),
    ]


def _named(name: str) -> Any:
    match name:
        case "door":
            doors = _asked("door", "label_values(churn_model_info, door)").label("Door")
            return doors.multi(multi=True).include_all(include_all=True).all_value(".*")
        case "version":
            return _version().label("Version")
        case _:
            options = [VariableOption(text=each, value=each, selected=each == OF_PARTS[0]) for each in OF_PARTS]
            chosen = dashboard.CustomVariable(name).label("Measure").values(", ".join(OF_PARTS)).options(options)
            return chosen.current(options[0])


def _version() -> Any:
    return _asked("version", VERSIONS).regex('/version="(\\d+)"/')


def _asked(name: str, query: str) -> Any:
    asked = dashboard.QueryVariable(name).query({"query": query, "refId": name}).definition(query)
    return asked.datasource(SOURCE).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)


def annotations() -> list[Any]:
    """Return the builders of what is marked on every graph: moves of production, and alerts."""
    moved = _annotation("Moves of production", "churn_promotion_last_timestamp_seconds * 1000", "{{action}}", "blue")
    version = (
        'count_values("version", max(churn_production_version)) and on () '
        "(max(changes(churn_production_version[2m])) > 0)"
    )
    return [
        moved.use_value_for_time(use_value_for_time=True),
        _annotation("Versions", version, "version {{version}} in production", "purple"),
        _annotation("Alerts", 'ALERTS{alertstate="firing"}', "{{alertname}}", "red").tag_keys("severity"),
    ]


def _annotation(name: str, query: str, title: str, colour: str) -> Any:
    marked = dashboard.AnnotationQuery().name(name).datasource(SOURCE).expr(query).title_format(title)
    return marked.icon_color(colour).enable(enable=True).step("15s")


def board_links() -> list[Any]:
    """Return the builders of the links at the top of every board."""
    boards = dashboard.DashboardLink("Boards").type(DashboardLinkType.DASHBOARDS).tags(["churn"]).placement(IN_SIGHT)
    return [
        boards.as_dropdown(as_dropdown=False).include_vars(include_vars=False).keep_time(keep_time=True),
        *(link(*place) for place in DESTINATIONS.values()),
        link("What the boards show", "${docs_url}/dashboards.md"),
    ]


def panel_links(panel: Panel) -> list[Any]:
    """Return the builders of a panel's links: what to do, what it means, and where more is known."""
    runbook = [link("Runbook", f"${{docs_url}}/runbooks/{panel.runbook}.md")] if panel.runbook else []
    page = link("What it means", f"${{docs_url}}/{panel.page}.md")
    return [*runbook, page, *(link(*DESTINATIONS[place]) for place in panel.leads_to)]


def link(title: str, address: str) -> Any:
    """Return the builder of a link that opens beside the board."""
    leading = dashboard.DashboardLink(title).type(DashboardLinkType.LINK).url(address)
    return leading.target_blank(target_blank=True).placement(IN_SIGHT)
