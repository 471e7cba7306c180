"""What the API and the pages are about: one module (or package) per noun of the service.

A module holds the noun's schemas, queries, changes and routes. The dashboard calls the same queries
and changes as the routes do.
"""
