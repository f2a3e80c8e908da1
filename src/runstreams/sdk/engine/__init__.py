"""The thread on which a client sends and reads, and how chunks cross to it and back."""
