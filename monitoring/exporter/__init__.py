"""The exporter: what the SQL store and the registry know, for Prometheus. One file for each subject."""

from monitoring.exporter.collector import HeldOut, ProductionVersion, StoreCollector
from monitoring.exporter.server import serve

__all__ = ["HeldOut", "ProductionVersion", "StoreCollector", "serve"]
