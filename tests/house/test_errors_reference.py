"""Every error code is documented, and the page is what the code says."""

from config import errors_reference
from conversions.terms import JOB_ERRORS
from core.env import ROOT


def test_the_page_is_what_the_code_says() -> None:
    written = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")

    assert written == errors_reference.page(), (
        "run: python -m config.errors_reference > docs/reference/errors.md"
    )


def test_every_error_has_a_title_of_its_own() -> None:
    untitled = [cls.__name__ for cls in errors_reference.tree() if not cls.__doc__]

    assert untitled == []


def test_every_job_error_is_on_the_page() -> None:
    page = errors_reference.page()

    assert [code for code in JOB_ERRORS if f"`{code}`" not in page] == []
