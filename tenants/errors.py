"""Outcomes of tenant verbs."""


class SchemaMixedUp(RuntimeError):
    """A connection shows another tenant's schema: stop at once."""


class LeakyPooler(RuntimeError):
    """The database is behind a pooler that shares sessions between clients: refuse to serve."""


class TemplateMissing(RuntimeError):
    """A schema is wanted before the template's dump was made."""
