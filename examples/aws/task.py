"""A task of Step Functions, which may be run again: by its `Retry`, or by a redrive."""

from resuming import Job, answer


def handler(event: Job, context: object) -> Job:
    """Answer a question, unless an attempt before has done so; pass it on to the next state. One
    that has failed fails the task again.
    """
    answer(event)
    return event
