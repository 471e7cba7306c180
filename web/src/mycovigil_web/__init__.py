"""The HTTP kit: what the predictor and the drift API share at their edge.

Problems and their catalogue, request ids, security headers, access log, metrics, API keys,
rate limits, documentation, health, and the configuration of the server.
"""
