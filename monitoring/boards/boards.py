"""The four boards."""

from monitoring.boards.business import BUSINESS
from monitoring.boards.model import MODEL
from monitoring.boards.pipelines import PIPELINES
from monitoring.boards.service import SERVICE

BOARDS = (SERVICE, MODEL, BUSINESS, PIPELINES)
