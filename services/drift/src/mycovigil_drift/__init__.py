"""The drift service: the API and the dashboard over HTTP, and the outbox relay.

``resources/`` holds the nouns, with their queries and the routes of ``/v1``; ``dashboard/`` holds
the pages. The modules beside them are the application: its composition, sessions, paging, relay.
"""
