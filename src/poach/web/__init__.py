"""HTTP with limits: one request, and one clock for the whole of a transfer."""
