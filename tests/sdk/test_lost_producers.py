"""Processes that write and are killed, stopped or told to end: what becomes of their streams."""

import signal
import time

import pytest

from runstreams import Client, Closed
from runstreams.errors import StreamFailed
from tests.sdk.programs import Program
from tests.serve.process import ServerProcess

PAUSING = """
def source(seconds=600):
    yield "begun"
    print("begun", flush=True)
    time.sleep(seconds)
    yield "ended"
"""

IN_A_RUN = """
with streams.run(os.environ["RUNSTREAMS_RUN_ID"], lease=1):
    streams.append("log", "only appended")
    streams.pipe("answer", source())
"""

ALONE = "streams.pipe('answer', source(), lease=1, close=True)"

LOST = Closed("failed", "nothing was heard of its producer for 1 seconds", "producer_lost")


def begun(server: ServerProcess, run: str, text: str) -> Program:
    """Return a program whose source has begun, and pauses."""
    program = Program(server, run, PAUSING + text)
    assert program.line() == "begun", program.end()
    return program


@pytest.mark.parametrize("text", [ALONE, IN_A_RUN], ids=["alone", "in a run"])
def test_readers_are_told_of_a_producer_that_was_killed(
    server: ServerProcess, client: Client, run: str, text: str
) -> None:
    program = begun(server, run, text)
    with client.streams.read(run, "answer") as reader:
        assert next(reader) == "begun"
        program.process.kill()
        with pytest.raises(StreamFailed, match="nothing was heard of its producer"):
            next(reader)
    assert reader.closed == LOST
    program.end()


def test_a_run_whose_process_was_killed_is_lost_with_all_that_it_wrote(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = begun(server, run, IN_A_RUN)
    program.process.kill()
    program.end()
    with client.streams.read(run, "log", strict=False) as reader:
        assert list(reader) == ["only appended"]
    assert reader.closed == LOST
    while run not in [lost.id for lost in client.streams.runs(status="lost")]:
        time.sleep(0.1)


@pytest.mark.parametrize("text", [ALONE, IN_A_RUN], ids=["alone", "in a run"])
def test_a_source_that_is_silent_for_many_leases_stays_open(
    server: ServerProcess, client: Client, run: str, text: str
) -> None:
    program = begun(server, run, text.replace("source()", "source(8)"))
    assert list(client.streams.read(run, "answer")) == ["begun", "ended"]
    assert program.end()[0] == 0
    closed = client.streams.describe(run, "answer").closed
    assert closed == Closed("completed")


def test_a_producer_that_stood_still_for_too_long_is_told_what_happened(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        from runstreams.errors import StreamClosed

        piped = streams.pipe("answer", slowly(10_000, 0.1), lease=1)
        print("begun", flush=True)
        try:
            piped.wait_until_complete()
        except StreamClosed as error:
            print(error.status, error.closed_code, error)
        """,
    )
    assert program.line() == "begun"
    with client.streams.read(run, "answer", strict=False) as reader:
        next(reader)
        program.process.send_signal(signal.SIGSTOP)
        list(reader)
        assert reader.closed == LOST
    program.process.send_signal(signal.SIGCONT)
    code, said, complained = program.end()
    assert (code, complained) == (0, "")
    assert said.startswith(
        f"failed producer_lost {run}/answer: the stream is closed: failed, since"
    )
    assert "not heard of for longer than its lease, as a computer that slept" in said


SERVED = """
import asyncio
from contextlib import asynccontextmanager
import uvicorn
from fastapi import FastAPI
from runstreams import aio

async def pausing():
    yield "begun"
    print("begun", flush=True)
    await asyncio.sleep(600)

async def ending(run):
    async with aio.streams.run(run):
        aio.streams.pipe("answer", pausing())

async def inside(run):
    async with aio.streams.run(run):
        await aio.streams.pipe("answer", pausing()).wait_until_complete()

def thread(run):
    with streams.run(run):
        streams.pipe("answer", source())

def alone(run):
    streams.pipe("answer", source(), target=run)

@asynccontextmanager
async def life(app):
    run = os.environ["RUNSTREAMS_RUN_ID"]
    async with aio.lifespan(app):
        work = JOB
        yield

uvicorn.run(FastAPI(lifespan=life), port=0, log_level="warning")
"""

JOBS = {
    "a task that waits": "asyncio.create_task(inside(run))",
    "a task that ends": "asyncio.create_task(ending(run))",
    "a thread": "threading.Thread(target=thread, args=[run], daemon=True).start()",
    "a pipe": "alone(run)",
}


@pytest.mark.parametrize("job", JOBS)
def test_a_server_that_is_told_to_stop_ends_what_goes_on_as_canceled(
    server: ServerProcess, client: Client, run: str, job: str
) -> None:
    program = begun(server, run, SERVED.replace("JOB", JOBS[job]))
    program.process.send_signal(signal.SIGTERM)
    program.end()
    with client.streams.read(run, "answer", strict=False) as reader:
        assert list(reader) == ["begun"]
    assert reader.closed is not None
    assert reader.closed.status == "canceled"
    if job != "a pipe":
        (record,) = [one for one in client.streams.runs() if one.id == run]
        assert record.status == "canceled"


def test_a_script_that_takes_sigterm_for_ctrl_c_ends_its_run_as_canceled(
    server: ServerProcess, client: Client, run: str
) -> None:
    handler = "import signal\nsignal.signal(signal.SIGTERM, signal.default_int_handler)\n"
    program = begun(server, run, handler + IN_A_RUN)
    program.process.send_signal(signal.SIGTERM)
    program.end()
    (record,) = [one for one in client.streams.runs() if one.id == run]
    assert record.status == "canceled"


def test_an_asyncio_program_that_cancels_its_task_ends_its_run_as_canceled(
    server: ServerProcess, client: Client, run: str
) -> None:
    program = Program(
        server,
        run,
        """
        import asyncio, signal
        from runstreams import aio

        async def main():
            task = asyncio.current_task()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            async with aio.streams.run(os.environ["RUNSTREAMS_RUN_ID"]):
                print("begun", flush=True)
                await asyncio.sleep(600)

        asyncio.run(main())
        """,
    )
    assert program.line() == "begun"
    program.process.send_signal(signal.SIGTERM)
    program.end()
    (record,) = [one for one in client.streams.runs() if one.id == run]
    assert record.status == "canceled"
