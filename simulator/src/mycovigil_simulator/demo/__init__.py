"""The demo: seven nights of traffic through the real system, shown on a terminal."""
