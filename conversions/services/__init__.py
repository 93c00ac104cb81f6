"""Verbs of the conversions: one module for each."""

from conversions.services.cancel_job import (
    cancel_job,
    cancel_open,
    delete_job,
    order_cancel_open,
)
from conversions.services.create_job import ConvertRequest, create_job, create_planned
from conversions.services.detect_file import detect_file
from conversions.services.expire_jobs import expire_jobs
from conversions.services.quote import quote
from conversions.services.receive_input import Source, receive_input
from conversions.services.retry_job import retry_job
from conversions.services.run_job import run_job

__all__ = [
    "ConvertRequest",
    "Source",
    "cancel_job",
    "cancel_open",
    "create_job",
    "create_planned",
    "delete_job",
    "detect_file",
    "expire_jobs",
    "order_cancel_open",
    "quote",
    "receive_input",
    "retry_job",
    "run_job",
]
