"""The main job, seen in a terminal: real text streamed by several writers, broken, and whole."""
