"""Curation's tests run with the checks, or with a stand-in where they are not installed."""

from tests.helpers import curation

curation.install_checks()
