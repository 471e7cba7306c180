"""The dashboard: server-rendered pages that work without JavaScript.

``pages/`` holds one module per page, ``view_models/`` prepares what they show, ``charts/`` computes
the geometry of the charts, ``templates/`` renders both. The pages read and change rows through
``mycovigil_drift.resources`` alone.
"""

from mycovigil_drift.dashboard.error_page import problem_page
from mycovigil_drift.dashboard.routes import install

__all__ = ["install", "problem_page"]
