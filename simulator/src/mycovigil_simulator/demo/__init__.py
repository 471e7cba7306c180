"""The demo: seven nights of traffic through the real system, told on a terminal."""
