"""Outcomes of asking for a conversion."""

from core.errors import AppError


class UnsupportedConversion(AppError):
    """This conversion is not offered."""

    code, status = "unsupported_conversion", 422


class FileEmpty(AppError):
    """The file is empty."""

    code, status = "file_empty", 422


class FileTypeMismatch(AppError):
    """The file is not what its name says."""

    code, status = "file_type_mismatch", 422


class FileTypeUnknown(AppError):
    """The type of the file could not be told."""

    code, status = "file_type_unknown", 422


class FileMalicious(AppError):
    """The file is built to do harm."""

    code, status = "file_malicious", 422


class FileCorrupt(AppError):
    """The file is damaged."""

    code, status = "file_corrupt", 422


class FileEncrypted(AppError):
    """The file is locked."""

    code, status = "file_encrypted", 422


class ArchiveBomb(AppError):
    """The archive unpacks to more than allowed."""

    code, status = "archive_bomb", 422


class LimitExceeded(AppError):
    """The file is over a limit."""

    code, status = "limit_exceeded", 422


class JobNotReady(AppError):
    """The result is not there yet."""

    code, status, retryable = "job_not_ready", 409, True


class JobNotCancelable(AppError):
    """The job has already ended."""

    code, status = "job_not_cancelable", 409
