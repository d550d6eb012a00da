"""The demo's ring: train, serve from both doors, send traffic with a shift, record, score, and look at it all."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.contract.table import Columns
from churn.errors import ChurnError
from churn.settings import environment_for_children
from churn.stores.database import open_database
from churn.stores.predictions import PredictionStore
from cli.demo.eyes import Seen, keep_going, look, make_history
from cli.demo.processes import Processes, free_port
from cli.demo.traffic import Sent, customers, send, with_shift
from cli.demo.watchers import write_prometheus
from pipelines.ring import Round, go_round
from pipelines.score import ScoreReport, score
from pipelines.settings import PipelineSettings

TRIALS, CANDIDATES = 5, ("logistic", "lightgbm", "stack")
NORMAL_ROWS, SHIFTED_ROWS, COMPARED_ROWS = 300, 900, 25
USUAL_PORTS = {"bento": 3000, "fastapi": 8000, "mlflow": 5000, "exporter": 9200, "reports": 9300}
READY_SECONDS = 60
STORED_SECONDS = 30

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything of the demo answers."""

    bento: str
    fastapi: str
    mlflow: str
    exporter: str
    reports: str

    @property
    def doors(self) -> tuple[str, str]:
        """Both doors."""
        return self.bento, self.fastapi


@dataclass(slots=True)
class Told:
    """What the demo found, step by step; `seconds` per step."""

    home: Path
    contract: Contract
    seconds: dict[str, float] = field(default_factory=dict)
    offline: Round | None = None
    addresses: Addresses | None = None
    ready_seconds: dict[str, float] = field(default_factory=dict)
    largest_difference: float = 0.0
    normal: Sent | None = None
    shifted: Sent | None = None
    stored: int = 0
    scored: ScoreReport | None = None
    seen: Seen = field(default_factory=Seen)
    prometheus: Path | None = None


class Demo:
    """One run of the demo in a folder of its own."""

    def __init__(self, home: Path, contract: Contract, tell: Tell) -> None:
        self.settings = PipelineSettings(home=home)
        self.told = Told(home, contract)
        self._tell = tell
        self._start, self._served_since = time.monotonic(), datetime.now(UTC)
        environment = environment_for_children(
            CHURN_HOME=str(home.resolve()), MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", PYTHONUNBUFFERED="1"
        )
        self.processes = Processes(home / "logs", environment)

    def go_round(self, data: str) -> Told:
        """Take every step; what a step finds wrong is a ChurnError.

        Raises:
            ChurnError: a step did not work.
        """
        self._train(data)
        self._remember()
        self._serve()
        self._compare_doors()
        self._send_traffic()
        self._wait_until_stored()
        self._score()
        self._look()
        self._check_the_rest()
        return self.told

    def keep_going(self) -> None:
        """Send customers and look at them until the demo is stopped."""
        keep_going(self.processes, self._addresses.doors, self._contract, self._offline.source.path)

    def _train(self, data: str) -> None:
        with self._step("train"):
            offline = go_round(
                self.told.contract,
                data,
                overrides={"trials": TRIALS, "candidates": CANDIDATES},
                settings=self.settings,
                say=self.say,
            )
            if not offline.promoted.has_moved:
                reasons = "; ".join(offline.promoted.verdict.reasons)
                raise ChurnError(f"the gate {offline.promoted.outcome} the version: {reasons}")
            self.told.offline = offline

    def _remember(self) -> None:
        with self._step("history"):
            self.say("history: months of customers with outcomes, as if the version had served them")
            self._contract.write_text(dump_contract(self.told.contract), encoding="utf-8")
            self.told.seen.history = make_history(self.processes, self._contract, self._offline.source.path)

    def _serve(self) -> None:
        with self._step("serve"):
            ports = {name: free_port(usual) for name, usual in USUAL_PORTS.items()}
            self.told.addresses = Addresses(**{name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
            for door in ("bento", "fastapi"):
                self.say(f"serve: {door} on port {ports[door]}")
                self.processes.start(door, ["cli.main", "serve", "--door", door, "--port", str(ports[door])])
            for door in ("bento", "fastapi"):
                url = f"http://127.0.0.1:{ports[door]}/readyz"
                self.told.ready_seconds[door] = self.processes.wait_for(door, url, READY_SECONDS)
            self._start_the_rest(ports)

    def _start_the_rest(self, ports: Mapping[str, int]) -> None:
        """Start what people look at; nobody waits for it yet."""
        options = ["--backend-store-uri", self.settings.tracking_uri, "--host", "127.0.0.1"]
        more = ["--default-artifact-root", self.settings.artifact_url, "--workers", "1"]
        self.processes.start("mlflow", ["mlflow", "server", *options, "--port", str(ports["mlflow"]), *more])
        self.processes.start("exporter", ["cli.main", "exporter", "--port", str(ports["exporter"])])
        self.processes.start("reports", ["cli.main", "reports", "--serve", "--port", str(ports["reports"])])
        jobs = {f"churn-{name}": ports[name] for name in ("bento", "fastapi", "exporter")}
        self.told.prometheus = write_prometheus(self.told.home / "prometheus", jobs)

    def _compare_doors(self) -> None:
        with self._step("compare"):
            self._served_since = datetime.now(UTC)
            rows = customers(self.told.contract, self._customers, COMPARED_ROWS, seed=3)
            found = [send(rows, [door]).probabilities for door in self._addresses.doors]
            if len(found[0]) != len(rows) or len(found[1]) != len(rows):
                raise ChurnError(f"of {len(rows)} customers {len(found[0])} and {len(found[1])} were answered")
            self.told.largest_difference = max(abs(one - other) for one, other in zip(*found, strict=True))
            if self.told.largest_difference > 0:  # a score has its own bits, whoever is scored beside it: decision 18
                raise ChurnError(f"the doors differ by {self.told.largest_difference:.1e} for the same customer")
            self.say(f"both doors give the same number for {len(rows)} customers")

    def _send_traffic(self) -> None:
        with self._step("traffic"):
            normal = customers(self.told.contract, self._customers, NORMAL_ROWS, seed=1)
            shifted = with_shift(
                self.told.contract, customers(self.told.contract, self._customers, SHIFTED_ROWS, seed=2)
            )
            self.told.normal = send(normal, self._addresses.doors)
            self.told.shifted = send(shifted, self._addresses.doors)
            if refused := self.told.normal.lost + self.told.shifted.lost:
                raise ChurnError(f"{refused} of {len(normal) + len(shifted)} requests were refused")
            seconds = self.told.normal.seconds + self.told.shifted.seconds
            self.say(f"traffic: {len(normal)} customers as they were, {len(shifted)} with a shift, in {seconds:.1f} s")

    def _wait_until_stored(self) -> None:
        """Every acknowledged prediction has to reach the SQL store, once."""
        with self._step("record"):
            store, since = PredictionStore(open_database(self.settings.database_url)), self._served_since
            acknowledged = 2 * COMPARED_ROWS + NORMAL_ROWS + SHIFTED_ROWS
            deadline = time.monotonic() + STORED_SECONDS
            while (
                stored := store.count(self.settings.model, since=since)
            ) < acknowledged and time.monotonic() < deadline:
                time.sleep(0.2)
            self.told.stored = stored
            if stored != acknowledged:
                raise ChurnError(f"{acknowledged} predictions were acknowledged, and the store holds {stored}")
            self.say(f"recorded: {stored} predictions in the SQL store, none lost, none twice")

    def _score(self) -> None:
        with self._step("score"):
            offline = self._offline
            output = self.told.home / "scores.csv"
            self.told.scored = score(
                offline.source.path, str(output), version=None, settings=self.settings, progress=lambda _: None
            )
            self.say(f"batch: {self.told.scored.scored:,} customers in {output}")

    def _look(self) -> None:
        with self._step("look"):
            self.say("performance against outcomes; the live window against the version's reference; the reports")
            look(self.processes, self.told.seen)

    def _check_the_rest(self) -> None:
        with self._step("watch"):
            found = self._addresses
            pages = {
                "mlflow": f"{found.mlflow}/health",
                "exporter": f"{found.exporter}/metrics",
                "reports": found.reports,
            }
            for name, url in pages.items():
                self.processes.wait_for(name, url, READY_SECONDS)

    @property
    def _contract(self) -> Path:
        """What the commands read that the demo calls."""
        return self.told.home / "contract.yaml"

    @property
    def _customers(self) -> Columns:
        return self._offline.ingested.customers.columns

    @property
    def _addresses(self) -> Addresses:
        assert self.told.addresses is not None  # noqa: S101  _serve comes before
        return self.told.addresses

    @property
    def _offline(self) -> Round:
        assert self.told.offline is not None  # noqa: S101  _train comes before
        return self.told.offline

    def say(self, text: str) -> None:
        """Tell of progress, with the time since the start."""
        self._tell(f"[{time.monotonic() - self._start:5.1f} s] {text}")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        except httpx.HTTPError as error:
            raise ChurnError(f"step {name}: {type(error).__name__}: {error}") from error
        self.told.seconds[name] = round(time.monotonic() - start, 1)


def fresh_home(home: Path) -> Path:
    """Return an empty folder for the demo; only a folder that a demo made is emptied."""
    mark = home / ".made-by-churn-demo"
    if home.exists() and not mark.exists() and any(home.iterdir()):
        raise ChurnError(f"{home} holds something that no demo made: choose another folder with CHURN_HOME")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    mark.touch()
    return home
