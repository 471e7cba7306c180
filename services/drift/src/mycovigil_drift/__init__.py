"""The drift service: reports, alerts, models and retrain jobs over HTTP, the dashboard, the relay.

A folder a noun, each with its routes, its schemas (what goes over the wire) and its queries.
"""
