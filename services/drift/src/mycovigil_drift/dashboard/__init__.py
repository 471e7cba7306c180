"""The dashboard: server-rendered pages that answer whether it is drifting, why, and what was done.

``*_page.py`` are the pages, ``charts/`` computes the pictures' geometry, ``wording.py`` finds the
words; everything a page shows, it gets from the queries of the nouns' folders.
"""

from mycovigil_drift.dashboard.error_page import problem_page
from mycovigil_drift.dashboard.routes import install

__all__ = ["install", "problem_page"]
