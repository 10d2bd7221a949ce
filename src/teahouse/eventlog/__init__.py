"""The event log: the only way an event gets in, and what is true of a room after it.

`EventLog.append` gathers proposals, admits each against the state at the place it will hold, writes one transaction,
and only then answers. It knows nothing of HTTP, sync or who may read.
"""
