"""The fruit body: an individual's growth, and the surfaces of its parts."""
