"""Verbs of the conversions: one module for each."""

from conversions.services.advance_pipeline import advance_pipeline
from conversions.services.cancel_job import cancel_job, delete_job
from conversions.services.cancel_open import cancel_open, order_cancel_open
from conversions.services.create_batch import create_batch
from conversions.services.create_job import ConvertRequest, create_job, create_planned
from conversions.services.create_many import Accepted, Refused
from conversions.services.detect_file import detect_file
from conversions.services.expire_jobs import expire_jobs
from conversions.services.find_orphans import find_orphans, sweep_incoming, sweep_work
from conversions.services.keep_presets import change_preset, create_preset, delete_preset
from conversions.services.learn import fold_runs
from conversions.services.quote import quote
from conversions.services.receive_input import Source, receive_input
from conversions.services.retry_job import retry_job
from conversions.services.run_job import run_job
from conversions.services.start_pipeline import cancel_pipeline, start_pipeline
from conversions.services.steer_batch import cancel_batch, go_on_canceling, retry_batch

__all__ = [
    "Accepted",
    "ConvertRequest",
    "Refused",
    "Source",
    "advance_pipeline",
    "cancel_batch",
    "cancel_job",
    "cancel_open",
    "cancel_pipeline",
    "change_preset",
    "create_batch",
    "create_job",
    "create_planned",
    "create_preset",
    "delete_job",
    "delete_preset",
    "detect_file",
    "expire_jobs",
    "find_orphans",
    "fold_runs",
    "go_on_canceling",
    "order_cancel_open",
    "quote",
    "receive_input",
    "retry_batch",
    "retry_job",
    "run_job",
    "start_pipeline",
    "sweep_incoming",
    "sweep_work",
]
