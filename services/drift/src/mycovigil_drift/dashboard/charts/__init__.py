"""Pictures as geometry: pure functions from rows to coordinates, drawn as SVG by the templates."""
