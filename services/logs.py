"""Logs of the serving processes: one line each on stderr, facts as key=value; never a customer's values."""

import logging
import logging.config

ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FactsFormatter(logging.Formatter):
    """Appends what was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in ORDINARY)
        return f"{super().format(record)} {facts}".rstrip()


def configure_logs(process: str) -> None:
    """Send our own logs to stderr, from INFO up; libraries keep what they are."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "facts": {
                    "()": FactsFormatter,
                    "format": f"%(asctime)s %(levelname)s {process}[%(process)d] %(message)s",
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "facts"}},
            "loggers": {
                name: {"level": "INFO", "handlers": ["stderr"], "propagate": False} for name in ("churn", "services")
            },
        }
    )
