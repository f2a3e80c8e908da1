"""The local server: one process, one folder, no cloud."""
