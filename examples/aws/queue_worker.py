"""A function behind a queue of SQS, which hands the message of a killed function out again."""

import json
from typing import Any

from resuming import answer


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer what the messages ask; say which of them are to be handed out again.

    That is each whose answer is not known to be whole, also when another attempt has begun: should
    that one die, nobody else has the message.
    """
    failed = []
    for record in event["Records"]:
        try:
            answer(json.loads(record["body"]))
        except Exception as error:
            print(f"{record['messageId']}: {error!r}")
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
